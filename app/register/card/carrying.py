"""Children's cards on a guardian's phone: the child permits the guardian to carry its card, and either can end it.

It is a credential of the child's on the guardian's device, revoked in the transaction that ends the permission.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.register.card.cards import issue_card, revoke_credentials
from app.register.patron.card_status import is_in_use
from app.register.patron.patrons import lock_patron
from app.register.sign_in.devices import APPLE_WALLET, GOOGLE_WALLET
from app.register.store.transaction import db
from app.register.tables.devices import Credential, Device
from app.register.tables.library import Library
from app.register.tables.patrons import FamilyPermission, Patron


@dataclass(frozen=True, slots=True)
class Carried:
    """A child's card that a guardian may carry now."""

    permission_id: int
    patron_id: int
    name: str
    card_number: str
    home_library: str


def list_carried(*, guardian_id: int, lock: bool = False) -> Sequence[Carried]:
    """Return the cards that this guardian may carry now, by name; both cards must be in use.

    `lock` locks the permissions and the guardian until the transaction ends.
    """
    if lock:
        lock_patron(guardian_id)
    guardian = aliased(Patron)
    found = (
        select(FamilyPermission.id, Patron.id, Patron.name, Patron.card_number, Library.name)
        .join(Patron, Patron.id == FamilyPermission.patron_id)
        .join(guardian, guardian.id == FamilyPermission.guardian_id)
        .join(Library, Library.id == Patron.home_library_id)
        .where(
            FamilyPermission.guardian_id == guardian_id,
            FamilyPermission.switched_on_at.is_not(None),
            FamilyPermission.may_carry_card.is_(True),
            is_in_use(),
            is_in_use(guardian),
        )
        .order_by(Patron.name, FamilyPermission.id)
    )
    rows = db.session.execute(found.with_for_update(of=FamilyPermission) if lock else found)
    return [Carried(*row) for row in rows]


def carry_cards(*, guardian_id: int, device_id: int, expires_at: datetime, now: datetime) -> None:
    """Let a guardian's device show each card that the guardian may carry, until `expires_at`."""
    for carried in list_carried(guardian_id=guardian_id, lock=True):
        issue_card(patron_id=carried.patron_id, device_id=device_id, expires_at=expires_at, now=now)


def revoke_copies(*, patron_id: int, now: datetime) -> None:
    """Revoke what works without the server: the patron's card in wallets, on guardians' phones and in phones' storage,
    and every other patron's card on the patron's devices.

    A card that the server shows in a session stays, and ends with that.
    """
    own = select(Device.id).where(Device.patron_id == patron_id)
    wallets = own.where(Device.label.in_((GOOGLE_WALLET, APPLE_WALLET)))
    is_copy = Credential.key_on_phone.is_(True) | Credential.device_id.not_in(own) | Credential.device_id.in_(wallets)
    revoke_credentials(Credential.patron_id == patron_id, is_copy, now=now)
    revoke_credentials(Credential.patron_id != patron_id, Credential.device_id.in_(own), now=now)
