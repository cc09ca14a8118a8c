"""What a browser's cookie keeps sealed: it is signed, and anybody can read what stands in it."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, cast

from flask import session

from app.register.keys.vault import SecretNotOpened, vault


def keep_sealed(name: str, values: Mapping[str, object]) -> None:
    """Keep values in the browser's session, which JSON can hold. What stood under that name is gone."""
    sealed = vault.seal(json.dumps(values).encode(), column=_column(name))
    session[name] = urlsafe_b64encode(sealed).decode()


def read_sealed(name: str) -> dict[str, Any] | None:
    """Return what is kept under a name; None where nothing is, or nothing that can be opened."""
    try:
        kept = json.loads(vault.open(urlsafe_b64decode(session.get(name, "")), column=_column(name)))
    except (SecretNotOpened, ValueError):
        return None
    return cast(dict[str, Any], kept)


def _column(name: str) -> str:
    return f"cookie.{name}"
