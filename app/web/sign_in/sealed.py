"""What a browser's cookie keeps encrypted: the cookie is signed, and anybody can read what stands in it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

from flask import session
from pydantic import TypeAdapter

from app.register.keys.vault import SecretNotOpened, vault

Kept = TypeVar("Kept")


def keep_sealed(name: str, kept: object) -> None:
    """Keep a dataclass in the browser's session, in place of what stood under that name."""
    sealed = vault.seal(TypeAdapter(type(kept)).dump_json(kept), column=f"cookie.{name}")
    session[name] = urlsafe_b64encode(sealed).decode()


def read_sealed(name: str, kind: type[Kept]) -> Kept | None:
    """Return what is kept under a name; None where nothing is, or nothing that can be opened and read."""
    try:
        text = vault.open(urlsafe_b64decode(session.get(name, "")), column=f"cookie.{name}")
        return TypeAdapter(kind).validate_json(text)
    except (SecretNotOpened, ValueError):
        return None
