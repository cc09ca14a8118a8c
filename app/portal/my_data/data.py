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
from app.register.card.sign_ins import NoSuchSignIn, count_sign_ins, end_other_sign_ins, end_sign_in, list_sign_ins
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
from app.web.sign_in.device_label import device_name
from app.web.sign_in.identity import end_own_session
from app.web.sign_in.step_up import after_step_up, code_is_needed, pin_is_needed

_ON_A_PAGE = 30


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
        sign_ins=list_sign_ins(patron_id=patron_id, now=now(), limit=_ON_A_PAGE),
        sign_ins_in_all=count_sign_ins(patron_id=patron_id, now=now()),
        this_sign_in=current_user.session.id,
        looks=list_accesses(patron_id=patron_id, limit=_ON_A_PAGE),
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
    page, last_page, first = _asked_page(in_all)
    found = list_accesses(patron_id=current_user.patron_id, limit=_ON_A_PAGE, offset=first)
    return render_template("portal/looks.html", looks=found, page=page, last_page=last_page)


@portal.get("/my/data/sign-ins")
@open_to(Audience.PATRON)
def sign_ins() -> str:
    """Show where the patron is signed in, page by page, newest first."""
    patron_id = current_user.patron_id
    page, last_page, first = _asked_page(count_sign_ins(patron_id=patron_id, now=now()))
    return render_template(
        "portal/sign_ins.html",
        sign_ins=list_sign_ins(patron_id=patron_id, now=now(), limit=_ON_A_PAGE, offset=first),
        this_sign_in=current_user.session.id,
        page=page,
        last_page=last_page,
    )


def _asked_page(in_all: int) -> tuple[int, int, int]:
    """Return the page of a list that is asked for, the last one, and how many lines stand before it; or 404."""
    last_page = max(1, -(-in_all // _ON_A_PAGE))
    page = request.args.get("page", 1, type=int)
    if not 1 <= page <= last_page:
        abort(404)
    return page, last_page, (page - 1) * _ON_A_PAGE


@portal.post("/my/data/freeze")
@open_to(Audience.PATRON)
def freeze() -> ResponseReturnValue:
    """Freeze the card. Nothing is asked first: it may be urgent, and can be undone."""
    with writing():
        freeze_card(patron_id=current_user.patron_id, now=now())
    frozen = _(
        "The card is frozen. Nobody can use it until you unfreeze it. Its copies in wallets and on phones have ended."
    )
    flash(frozen, "success")
    return redirect(url_for("portal.data", _anchor="frozen"))


@portal.post("/my/data/thaw")
@open_to(Audience.PATRON)
@after_step_up()
def thaw() -> ResponseReturnValue:
    """Unfreeze the card. PIN or code are asked for first, so that the thief of a phone cannot thaw it."""
    with writing():
        thaw_card(patron_id=current_user.patron_id, now=now())
    thawed = _(
        "The card can be used again. Open the card page once on each of your phones, and put the card into wallets "
        "anew. A child's card is back on a guardian's phone when the guardian logs in there again."
    )
    flash(thawed, "success")
    return redirect(url_for("portal.data", _anchor="freeze"))


@portal.post("/my/data/sign-ins/<id:session_id>/end")
@open_to(Audience.PATRON)
def end_one_sign_in(session_id: int) -> ResponseReturnValue:
    """Sign out somewhere, and take the card off that device."""
    if session_id == current_user.session.id:
        end_own_session()
        flash(_("You are logged out, and the card no longer works on this device."), "success")
        return redirect(url_for("portal.start"))
    here, label = current_user.session.device_id, ""
    # A second press gets the same answer, but for the name.
    with suppress(NoSuchSignIn), writing():
        label = end_sign_in(patron_id=current_user.patron_id, session_id=session_id, here=here, now=now())
    ended = _("Logged out: %(device)s. The card no longer works there.", device=device_name(label))
    flash(ended, "success")
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
