"""Sealing the access log, and storing each day's root where nobody with access to the register can change it."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import structlog
from flask import current_app

from app.messages.channels import Letter, NotSent, Post
from app.register.log.roots import list_unsent, make_root, mark_root_sent
from app.register.log.sealing import BATCH, seal, seal_all
from app.register.log.verification import Verified, count_links, verify
from app.web.clock import now

_MAIL = "mailto:"
_MOST_SHOWN = 100
_log = structlog.get_logger()


def seal_access_log() -> bool:
    """Seal the rows that were written since the last time. Returns whether there may be more."""
    return seal() >= BATCH


def keep_roots() -> None:
    """Sign yesterday's root, and store unsent roots in the place that the settings name, if they do."""
    make_root(now=now())
    place = current_app.config["ACCESS_LOG_ROOTS"]
    if not place:
        return
    for day, text in list_unsent():
        try:
            if place.startswith(_MAIL):
                post: Post = current_app.extensions["post"]
                subject = f"Access log, root of {day}"
                post.send(Letter("email", to=place.removeprefix(_MAIL), subject=subject, body=f"{text}\n", at=now()))
            else:
                _put(Path(place), f"{day}.json", f"{text}\n")
        except (NotSent, OSError) as error:
            _log.error("root of the access log not kept", day=str(day), why=type(error).__name__)
            return
        mark_root_sent(day=day, now=now())


def verify_log(*, roots: Path | None, progress: Callable[[int, int], object]) -> tuple[Verified, int]:
    """Seal the log and verify all of it. Returns what was found, and with how many roots it was compared.

    `roots` is a folder of roots that were kept elsewhere; None: that of ACCESS_LOG_ROOTS, if that is one. `progress` is
    called with how many links were looked at, and how many there are.
    """
    place = current_app.config["ACCESS_LOG_ROOTS"]
    folder = roots or (Path(place) if place.startswith("/") else None)
    kept = read_kept(folder) if folder is not None else {}
    seal_all()
    links = count_links()
    for done in verify(kept=kept, is_complete=roots is None and folder is not None):
        progress(done.links, links)
    return done, len(kept)


def say_verified(done: Verified, compared: int) -> Iterator[str]:
    """Return what was found, as sentences for the operator: each finding, then in all."""
    yield from done.findings[:_MOST_SHOWN]
    yield (
        f"{done.links} links, {done.lines} lines, {done.removals} removals, {done.roots} roots here, "
        f"{compared} roots kept elsewhere."
    )
    if not compared:
        yield "No root that was kept elsewhere was given: somebody with the keys could have made the log anew."
    if done.findings:
        yield f"{len(done.findings)} findings: the log was tampered with, or damaged."
    else:
        yield "Nothing is wrong with the access log."


def read_kept(folder: Path) -> Mapping[str, str]:
    """Return the roots in a folder: the text by the name of the file."""
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.json"))}


def _put(folder: Path, name: str, text: str) -> None:
    """Write a file atomically. One that exists is never changed; FileExistsError if its text differs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if path.exists():
        if path.read_text(encoding="utf-8") != text:
            raise FileExistsError
        return
    begun = folder / f"{name}.part"
    descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    begun.rename(path)
