"""Files that are the same for everybody: addresses that change with the content, and answers that are compressed.

The version stands in front of the file's path, `/static/v-3f2a.../css/card.css`, so that whatever a style sheet or a
script names beside itself carries it too. Only such files and pages are compressed. A personal page is not: its
length would tell of what is in it (BREACH, 2013).
"""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

_YEAR, _HOUR = 365 * 86400, 3600
_VERSION = "v-"
_COMPRESSIBLE = {
    "application/json",
    "application/manifest+json",
    "application/wasm",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
}
_SMALL = 300
GATHERED = {
    "css/every-page.css": (
        "vendor/designsystemet/theme.css",
        "vendor/designsystemet/designsystemet.css",
        "css/base.css",
        "css/content.css",
    )
}
"""Style sheets that are sent as one file, by its path: each request of its own would keep the first paint back."""


def version_files(app: Flask) -> str:
    """Return what stands for the content of every static file together, in ten hexadecimal digits."""
    folder = Path(str(app.static_folder))
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}:{_hash_of(str(path), path.stat().st_mtime_ns)}\n".encode())
    return digest.hexdigest()[:10]


@lru_cache(maxsize=2048)
def _hash_of(path: str, _changed_at: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def serve_static_files(app: Flask) -> None:
    """Put the version into every static file's address, and let browsers keep what has it for a year."""
    version = app.config["STATIC_VERSION"] = version_files(app)
    prefix = f"{_VERSION}{version}/"
    folder = Path(str(app.static_folder))

    def send(filename: str) -> Response:
        name = without_version(filename)
        if name not in GATHERED:
            return app.send_static_file(name)
        response = Response("\n".join((folder / part).read_text(encoding="utf-8") for part in GATHERED[name]))
        response.mimetype = "text/css"
        response.add_etag()
        response.make_conditional(request)
        return response

    app.view_functions["static"] = send

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["filename"] = prefix + values["filename"]

    @app.after_request
    def set_cache_headers(response: Response) -> Response:
        if request.endpoint != "static" or response.status_code >= 400:
            return response
        # Each of a page's twenty files carries its headers; the tag alone tells whether it is the same file.
        for needless in ("Content-Disposition", "Last-Modified"):
            response.headers.pop(needless, None)
        asked = str((request.view_args or {}).get("filename", ""))
        cache = response.cache_control
        cache.no_cache = None
        if asked.startswith(prefix):
            # Such an address has one content for ever: nobody asks whether it changed.
            del response.headers["ETag"]
            cache.public, cache.max_age, cache.immutable = True, _YEAR, True
        elif asked.startswith(_VERSION):
            # Another release's page asks. What is here now must not be kept under that release's address.
            cache.max_age = 0
        else:
            cache.public, cache.max_age = True, _HOUR
        return compress(response)


def without_version(filename: str) -> str:
    """Return a static file's path in its folder, from its path in an address."""
    version, slash, rest = filename.partition("/")
    return rest if slash and version.startswith(_VERSION) else filename


def compress(response: Response) -> Response:
    """Return the answer compressed (RFC 9110 §8.4.1.3) where the browser takes that and it is worth it."""
    if response.mimetype not in _COMPRESSIBLE:
        return response
    response.vary.add("Accept-Encoding")
    tag, _weak = response.get_etag()
    if tag:
        # The same file compressed or not: alike, but not byte for byte (RFC 9110 §8.8.3).
        response.set_etag(tag, weak=True)
    if response.status_code != 200 or "Range" in request.headers or request.accept_encodings["gzip"] <= 0:
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) >= _SMALL:
        response.set_data(_gzip(body))
        response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=256)
def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=9, mtime=0)
