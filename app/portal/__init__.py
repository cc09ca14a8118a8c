"""The portal door: the start page, signing in and out, PINs, Min side, a patron's own data, and cards made online."""

from app.portal import (
    correct,
    data,
    eid,
    erasing,
    export,
    libraries,
    new_device,
    new_pin,
    pin,
    privacy,
    registering,
    registration_end,
    registration_steps,
    rules,
    security_txt,
    status,
    undo,
)
from app.portal.routes import portal

__all__ = [
    "correct",
    "data",
    "eid",
    "erasing",
    "export",
    "libraries",
    "new_device",
    "new_pin",
    "pin",
    "portal",
    "privacy",
    "registering",
    "registration_end",
    "registration_steps",
    "rules",
    "security_txt",
    "status",
    "undo",
]
