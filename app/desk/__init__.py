"""The desk door: staff sign in, scan a card, and see what to do."""

from app.desk import frame, numbers, post, waiting  # noqa: F401 - their routes
from app.desk.lending import counter, items, self_service  # noqa: F401
from app.desk.patron import acts, enrolling, finding, national_number, page, replacing  # noqa: F401
from app.desk.routes import desk as desk
