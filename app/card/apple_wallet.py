"""The card as Apple Wallet takes it: a signed package with a code that stands still, since that wallet rotates none.

Sources: Apple's *Wallet Passes* (`Pass`, `Pass.Barcodes`, `PassFields`) and *Building a Pass* (manifest, signature).
"""

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from py_pkpass.models import Barcode, BarcodeFormat, Generic, Pass

from app.register.card.wallet_passes import WalletPass
from app.rules.card.code import group_digits
from app.rules.card.number import group_card_number
from app.rules.card.wallet_issuers import AppleIssuer

MIMETYPE: Final = "application/vnd.apple.pkpass"
_PICTURE = Path(__file__).parent.parent / "static" / "img" / "icon-512.png"
# In points, and so many pixels on screens of one, two and three pixels to a point.
_PICTURES = {"icon": 29, "logo": 50}
_DENSITIES = {"": 1, "@2x": 2, "@3x": 3}


@dataclass(frozen=True, slots=True)
class PassWords:
    """What stands on the pass beside what is the patron's, in the patron's language."""

    title: str
    name_label: str
    number_label: str
    about_label: str
    about: str


def make_pkpass(wallet_pass: WalletPass, *, issuer: AppleIssuer, words: PassWords) -> bytes:
    """Return the package. A pass that the patron is given later takes the place of this one in the wallet."""
    front = Generic()
    front.addPrimaryField("name", wallet_pass.name, words.name_label)
    front.addSecondaryField("number", group_card_number(wallet_pass.card_number), words.number_label)
    front.addBackField("about", words.about, words.about_label)
    for each in (*front.primaryFields, *front.secondaryFields, *front.backFields):
        # Apple allows neither an empty message nor, on the primary and back fields, an alignment.
        del each.changeMessage, each.textAlignment
    made = Pass(
        front, passTypeIdentifier=issuer.pass_type, teamIdentifier=issuer.team, organizationName=issuer.organization
    )
    made.serialNumber = wallet_pass.holder
    made.description = words.title
    made.logoText = words.title
    made.backgroundColor = "rgb(0,98,186)"
    made.foregroundColor = made.labelColor = "rgb(255,255,255)"
    made.barcode = Barcode(wallet_pass.head, BarcodeFormat.QR, altText=group_digits(wallet_pass.head))
    made.expirationDate = wallet_pass.expires_at.isoformat(timespec="seconds")
    made.sharingProhibited = True
    for name, picture in _pictures().items():
        made.addFile(name, BytesIO(picture))
    package = made.create(issuer.certificate_file, issuer.key_file, issuer.authority_file, issuer.password)
    return package.getvalue()


@lru_cache(maxsize=1)
def _pictures() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with Image.open(_PICTURE) as whole:
        for name, points in _PICTURES.items():
            for suffix, density in _DENSITIES.items():
                image = BytesIO()
                side = points * density
                whole.convert("RGBA").resize((side, side), Image.Resampling.LANCZOS).save(image, "PNG")
                found[f"{name}{suffix}.png"] = image.getvalue()
    return found
