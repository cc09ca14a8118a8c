"""The portal door: the start page, signing in and out, PINs, Min side, a patron's own data, and cards made online."""

from app.portal import library_page, passkeys, privacy, public_pages  # noqa: F401 - their routes
from app.portal.my_data import correct, data, erasing, export, undo  # noqa: F401
from app.portal.online import eid, libraries, registering, registration_end  # noqa: F401
from app.portal.pins import login_code, new_pin, pin  # noqa: F401
from app.portal.routes import portal as portal
