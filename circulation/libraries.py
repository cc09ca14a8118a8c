"""The libraries that this process serves."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from circulation.database import Database
from circulation.policy.library import Policy, load_policy
from circulation.settings import Settings


@dataclass(frozen=True, slots=True)
class Library:
    """One library that this process serves: its rules and its database."""

    policy: Policy
    database: Database


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
