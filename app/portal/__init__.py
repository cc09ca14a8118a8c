"""The portal door: the start page, signing in and out, PINs, Min side, a patron's own data, and cards made online."""

from app.portal import code_first, privacy, rules, security_txt, status  # noqa: F401 - their routes
from app.portal.my_data import correct, data, erasing, export, undo  # noqa: F401
from app.portal.online import eid, libraries, register_step  # noqa: F401
from app.portal.pins import new_device, new_pin, pin  # noqa: F401
from app.portal.routes import portal as portal
