"""Put pip into the virtual environment that runs this, where Debian's python3 comes without ensurepip.

PIP_INDEX_URL (default: PyPI) names a package index that speaks the simple API (PEP 503).
"""

import hashlib
import html
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path

WHEEL = "pip-26.3-py3-none-any.whl"
SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


def fetch(address: str) -> bytes:
    """The bytes at an http(s) address. Raises OSError, ValueError or HTTPException without an answer."""
    if not address.startswith(("https://", "http://")):
        raise ValueError("not an http address")
    # A bare Debian has no certificates to check against: the digest vouches for the file, not the connection.
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(address, timeout=60, context=unverified) as answer:  # noqa: S310 only http, above
        content: bytes = answer.read()
    return content


def fetch_wheel(index: str) -> bytes:
    """The pinned wheel. Raises as fetch does, and ValueError when the index has no such file."""
    page = f"{index.rstrip('/')}/pip/"
    link = re.search(rf'href="([^"]*?{re.escape(WHEEL)})[#"]', fetch(page).decode())
    if not link:
        raise ValueError(f"no {WHEEL}")
    wheel = fetch(urllib.parse.urljoin(page, html.unescape(link[1])))
    if hashlib.sha256(wheel).hexdigest() != SHA256:
        raise ValueError(f"{WHEEL} is not the file that was chosen")
    return wheel


def install_pip() -> None:
    """Exit with one sentence when it cannot be done (without the index: it may hold a password)."""
    try:
        wheel = fetch_wheel(os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple")
    except (OSError, ValueError, HTTPException) as error:
        sys.exit(f"pip could not be fetched from the package index ({type(error).__name__}).")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WHEEL
        path.write_bytes(wheel)
        command = [sys.executable, f"{path}/pip", "install", "--quiet", "--no-index", str(path)]
        sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 no shell, fixed words


if __name__ == "__main__":
    install_pip()
