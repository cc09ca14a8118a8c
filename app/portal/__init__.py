"""The portal door: the start page, signing in and out, PINs, Min side, a patron's own data, and cards made online."""

from app.portal import code_first as code_first
from app.portal import privacy as privacy
from app.portal import rules as rules
from app.portal import security_txt as security_txt
from app.portal import status as status
from app.portal.my_data import correct as correct
from app.portal.my_data import data as data
from app.portal.my_data import erasing as erasing
from app.portal.my_data import export as export
from app.portal.my_data import undo as undo
from app.portal.online import eid as eid
from app.portal.online import libraries as libraries
from app.portal.online import register_step as register_step
from app.portal.pins import new_device as new_device
from app.portal.pins import new_pin as new_pin
from app.portal.pins import pin as pin
from app.portal.routes import portal as portal
