"""The desk door: staff sign in, scan a card, and see what to do."""

from app.desk import frame as frame
from app.desk import numbers as numbers
from app.desk import post as post
from app.desk import waiting as waiting
from app.desk.lending import counter as counter
from app.desk.lending import items as items
from app.desk.lending import self_service as self_service
from app.desk.patron import acts as acts
from app.desk.patron import dying as dying
from app.desk.patron import enrolling as enrolling
from app.desk.patron import finding as finding
from app.desk.patron import national_number as national_number
from app.desk.patron import page as page
from app.desk.patron import replacing as replacing
from app.desk.routes import desk as desk
