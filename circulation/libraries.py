"""The libraries that this process serves."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from circulation.database import Database
from circulation.policy.library import Policy, load_policy
from circulation.policy.rules import local_day
from circulation.rulebook.told_hours import read_told_hours, with_hours
from circulation.rulebook.versions import newest_policy
from circulation.settings import Settings


@dataclass(frozen=True, slots=True)
class Library:
    """One library that this process serves: its database, and the rules in its file, which hold until others are
    published."""

    policy: Policy
    database: Database

    def rules(self, session: Session) -> Policy:
        """The newest policy, with those before it, and the opening hours that the library told the public."""
        newest = newest_policy(session=session, from_file=self.policy)
        return with_hours(newest, read_told_hours(session))

    def ignores_its_file(self) -> bool:
        """Whether other rules were published, and the file is no longer what it was then."""
        with self.database.reading() as session:
            *_, first = self.rules(session).back_in_time()
        return first.toml != self.policy.toml

    def policy_at(self, now: datetime) -> Policy:
        """The policy that holds at `now` (aware), with those before it."""
        with self.database.reading() as session:
            newest = self.rules(session)
        return newest.on(local_day(policy=newest, now=now))


def open_libraries(settings: Settings) -> dict[str, Library]:
    """The libraries of the settings by id. PolicyError where a policy file is wrong."""
    for url in settings.database_urls.values():
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and address.database:
            file = Path(address.database)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)  # for nobody else on the machine; SQLite gives its log the same mode
    return {
        library: Library(load_policy(library, folder=settings.policies), Database(library=library, url=url))
        for library, url in settings.database_urls.items()
    }
