"""The operator's pages of work: what waits and runs, jobs to begin, and the list of libraries."""

import hashlib
import hmac
from datetime import timedelta
from typing import Final

from flask import Flask, abort, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.operator.acts import take_list
from app.operator.door import kept, operator
from app.operator.jobs import JOBS
from app.register.figures.backlog import read_backlog
from app.register.figures.runs import list_running_imports
from app.register.limits.unusual import list_unusual
from app.register.log.roots import public_keys
from app.rules.library.listing import NotALibraryList
from app.web.access import Audience, open_to, takes_files
from app.web.clock import now

_LARGEST: Final = 4 * 1024 * 1024
_ROOM_FOR_FORM: Final = 64 * 1024
_LOOKED_AT_EVERY: Final = "3"
"""Seconds, while a job runs."""
_UNUSUAL_FOR: Final = timedelta(days=7)
WORDS: Final = {
    "retention": (
        _l("Delete what is past its time"),
        _l(
            "What the timer does each night; it also warns and erases whoever has not used the card for three years. "
            "Tables are not written anew here."
        ),
    ),
    "access-log": (
        _l("Verify the access log"),
        _l("Looks at every line for what was changed, deleted or slipped in."),
    ),
    "journal": (
        _l("Compare the journal of erasures"),
        _l("Tells whether the register lacks an erasure, as after a backup was restored."),
    ),
    "keys": (
        _l("Count what is under older keys"),
        _l("Reads every table. Renewing them is the command keys rotate."),
    ),
}


@operator.get("/jobs")
@open_to(Audience.OPERATOR)
def work() -> ResponseReturnValue:
    """Show what waits, what runs, and the jobs that can be begun. While one runs, the page comes anew by itself."""
    backlog, newest = read_backlog(now=now()), kept().jobs.newest()
    answer = make_response(
        render_template(
            "operator/work.html",
            queues=backlog.queues,
            retention_ran_at=backlog.retention_ran_at,
            imports=list_running_imports(),
            jobs=[(name, *WORDS[name], newest.get(name)) for name in JOBS],
            unusual=list_unusual(since=now() - _UNUSUAL_FOR),
            keys=public_keys(),
        )
    )
    if any(job.ended_at is None for job in newest.values()):
        answer.headers["Refresh"] = _LOOKED_AT_EVERY
    return answer


@operator.post("/jobs/<name>")
@open_to(Audience.OPERATOR)
def begin_job(name: str) -> ResponseReturnValue:
    """Begin one of the jobs (`retention run`, `access-log verify` and others)."""
    if name not in JOBS:
        abort(404)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if not kept().jobs.begin(app, name):
        flash(_("This runs already."), "info")
    return redirect(url_for("operator.work", _anchor=f"job-{name}"))


@operator.route("/list", methods=["GET", "POST"])
@open_to(Audience.OPERATOR)
@takes_files(_LARGEST + _ROOM_FOR_FORM)
def library_list() -> ResponseReturnValue:
    """Show where the list of libraries is uploaded, or what would become of one (`libraries import --dry-run`)."""
    if request.method != "POST":
        return render_template("operator/list.html", report=None)
    sent = request.files.get("file")
    content = sent.read(_LARGEST + 1) if sent is not None else b""
    try:
        report = take_list(content, dry_run=True)
    except NotALibraryList as error:
        flash(_("This is no list of libraries: %(why)s", why=str(error)), "danger")
        return render_template("operator/list.html", report=None), 422
    kept().uploaded = content
    return render_template("operator/list.html", report=report, fingerprint=_fingerprint(content))


@operator.post("/list/take")
@open_to(Audience.OPERATOR)
def take_library_list() -> ResponseReturnValue:
    """Take in the list that was looked at (`libraries import`)."""
    content = kept().uploaded
    if not content or not hmac.compare_digest(_fingerprint(content), request.form.get("fingerprint", "")):
        flash(_("Another file was looked at since. Upload it again."), "danger")
        return redirect(url_for("operator.library_list"))
    report, kept().uploaded = take_list(content, dry_run=False), b""
    flash(
        _(
            "%(added)s libraries added, %(changed)s changed, %(unchanged)s as before.",
            added=report.added,
            changed=report.changed,
            unchanged=report.unchanged,
        ),
        "success",
    )
    return redirect(url_for("operator.libraries"))


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
