"""The service's public keys, as it lists them."""

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet


def read_keys(listed: Mapping[str, Any]) -> KeySet | None:
    """Return the keys of a JWK set that sign; None where there is no such list.

    RFC 7517, 5: what is not understood in it is passed over, and takes nothing from the other keys.
    """
    rows = listed.get("keys")
    if not isinstance(rows, list):
        return None
    keys = []
    for row in rows:
        try:
            if row.get("use", "sig") == "sig":
                keys.append(JWKRegistry.import_key(row))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return KeySet(keys)
