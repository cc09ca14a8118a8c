"""Where to report a weakness, for those who find one (RFC 9116)."""

from datetime import timedelta

from flask import Response, current_app

from app.portal.routes import portal
from app.web.access import Audience, open_to
from app.web.clock import now

# RFC 9116 recommends less than a year.
_GOOD_FOR = timedelta(days=90)


@portal.get("/.well-known/security.txt")
@open_to(Audience.ANYONE)
def security_txt() -> Response:
    """Say whom to tell, in which languages, and until when this holds."""
    expires = (now() + _GOOD_FOR).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: {current_app.config['SECURITY_CONTACT']}",
        f"Expires: {expires.isoformat().replace('+00:00', 'Z')}",
        "Preferred-Languages: nb, nn, sv, en",
        f"Canonical: {current_app.config['PUBLIC_URL']}/.well-known/security.txt",
    )
    return Response("".join(f"{line}\n" for line in lines), mimetype="text/plain")
