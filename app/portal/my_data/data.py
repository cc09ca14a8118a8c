"""Mine opplysninger: all that is stored about a patron, who has looked, and what the patron can do about it."""

from contextlib import suppress

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.messages.compose import subject_of
from app.portal.my_data import access_words  # noqa: F401 - its filters
from app.portal.my_data.data_words import UNTRACEABLE
from app.portal.my_data.stored import SECTIONS, explain
from app.portal.routes import portal
from app.register.card.sign_ins import NoSuchSignIn, end_other_sign_ins, end_sign_in, list_sign_ins
from app.register.change.freezing import freeze_card, thaw_card
from app.register.leaving.own_data import name_libraries, read_own_data
from app.register.log.accesses import count_accesses, list_accesses
from app.register.patron.proven import list_unproven
from app.register.store.transaction import writing
from app.rules.people.contact import CONTACT_FIELDS
from app.rules.people.fields import FIELDS, Editor
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.patron_fields import list_corrected
from app.web.sign_in.identity import end_own_session
from app.web.sign_in.step_up import after_step_up, code_is_needed, pin_is_needed

_LOOKS_AT_FIRST = 5
_LOOKS_ON_A_PAGE = 25


@portal.get("/my/data")
@open_to(Audience.PATRON)
def data() -> str:
    """Show everything that is stored, with what it is for, and the latest looks."""
    patron_id = current_user.patron_id
    stored = read_own_data(patron_id=patron_id, without=("access_log",))
    libraries = name_libraries(stored)
    return render_template(
        "portal/data.html",
        stored=stored,
        patron=stored["patrons"][0],
        unproven=list_unproven(patron_id=patron_id),
        contact_fields=CONTACT_FIELDS,
        page_fields=[field.name for field in FIELDS if field.on_page],
        desk_corrects=list_corrected(Editor.DESK, but=Editor.PATRON),
        explained={section: explain(section, stored, libraries) for section in SECTIONS},
        libraries=libraries,
        sign_ins=list_sign_ins(patron_id=patron_id, now=now()),
        this_sign_in=current_user.session.id,
        looks=list_accesses(patron_id=patron_id, limit=_LOOKS_AT_FIRST),
        looks_in_all=count_accesses(patron_id=patron_id),
        untraceable=UNTRACEABLE.values(),
        subject_of=subject_of,
        asks_first=pin_is_needed() or code_is_needed(),
    )


@portal.get("/my/data/looks")
@open_to(Audience.PATRON)
def looks() -> str:
    """Show who has looked, page by page, newest first."""
    in_all = count_accesses(patron_id=current_user.patron_id)
    last_page = max(1, -(-in_all // _LOOKS_ON_A_PAGE))
    page = request.args.get("page", 1, type=int)
    if not 1 <= page <= last_page:
        abort(404)
    first = (page - 1) * _LOOKS_ON_A_PAGE
    found = list_accesses(patron_id=current_user.patron_id, limit=_LOOKS_ON_A_PAGE, offset=first)
    return render_template("portal/looks.html", looks=found, page=page, last_page=last_page, in_all=in_all)


@portal.post("/my/data/freeze")
@open_to(Audience.PATRON)
def freeze() -> ResponseReturnValue:
    """Freeze the card. Nothing is asked first: it may be urgent, and can be undone."""
    with writing():
        freeze_card(patron_id=current_user.patron_id, now=now())
    frozen = _(
        "The card is frozen. It is refused everywhere until you thaw it, and its copies in wallets and on phones "
        "have ended."
    )
    flash(frozen, "success")
    return redirect(url_for("portal.data"))


@portal.post("/my/data/thaw")
@open_to(Audience.PATRON)
@after_step_up()
def thaw() -> ResponseReturnValue:
    """Thaw the card. PIN or code are asked for first, so that the thief of a phone cannot thaw it."""
    with writing():
        thaw_card(patron_id=current_user.patron_id, now=now())
    thawed = _(
        "The card can be used again. Open the card page once on each of your phones, and put the card into wallets "
        "anew. A child's card is back on a guardian's phone when the guardian logs in there again."
    )
    flash(thawed, "success")
    return redirect(url_for("portal.data"))


@portal.post("/my/data/sign-ins/<id:session_id>/end")
@open_to(Audience.PATRON)
def end_one_sign_in(session_id: int) -> ResponseReturnValue:
    """Sign out somewhere, and take the card off that device."""
    if session_id == current_user.session.id:
        end_own_session()
        return redirect(url_for("portal.start"))
    here = current_user.session.device_id
    # A second press gets the same answer.
    with suppress(NoSuchSignIn), writing():
        end_sign_in(patron_id=current_user.patron_id, session_id=session_id, here=here, now=now())
    flash(_("Logged out there. The card no longer works on that device."), "success")
    return redirect(url_for("portal.data", _anchor="devices"))


@portal.post("/my/data/sign-ins/end-others")
@open_to(Audience.PATRON)
def end_all_other_sign_ins() -> ResponseReturnValue:
    """Sign out everywhere else, and take the card off every other device."""
    this = current_user.session
    with writing():
        end_other_sign_ins(patron_id=current_user.patron_id, session_id=this.id, here=this.device_id, now=now())
    flash(_("You are logged in here only. The card no longer works on any other device."), "success")
    return redirect(url_for("portal.data", _anchor="devices"))
