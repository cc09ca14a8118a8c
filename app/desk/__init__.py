"""The desk door: staff sign in, scan a card, and see what to do."""

from app.desk import badges, frame, notices, number_series, post  # noqa: F401 - their routes
from app.desk.lending import counter, holds, items, self_service, worklists  # noqa: F401
from app.desk.library import machines, people, start, webhook  # noqa: F401
from app.desk.library.face import facts, hours  # noqa: F401
from app.desk.library.moving import deciding, exporting, importing  # noqa: F401
from app.desk.library.numbers import pages as numbers_pages  # noqa: F401
from app.desk.library.rules import acts as rules_acts  # noqa: F401
from app.desk.own import confirming, joining, passkeys, password  # noqa: F401
from app.desk.patron import acts, enrolling, finding, national_number, page, recent, replacing  # noqa: F401
from app.desk.routes import desk as desk
from app.desk.scanning import routes  # noqa: F401
