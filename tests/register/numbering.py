"""Run as a program: many processes at one register, which give cards to invented people all at once.

python -m tests.register.numbering URL INSTANT PROCESSES COUNT BELOW prints each number that one of them issued.
Numbers are drawn below BELOW, so that many draws meet.
"""

import os
import sys
from datetime import date, datetime

from flask import Flask

from app import create_app
from app.register.patron import numbers
from app.register.patron.patrons import register_patron
from app.register.store.transaction import db
from app.rules.people.contact import Contact
from tests.conftest import settings_for


def issue(app: Flask, *, count: int, now: datetime) -> str:
    issued = []
    with app.app_context():
        for _ in range(count):
            patron = register_patron(
                name="Nobody",
                birth_date=date(1990, 1, 1),
                gender="unknown",
                home_library_id="2023500",
                contact=Contact(),
                national_id=None,
                activated=False,
                now=now,
            )
            issued.append(patron.card_number)
            db.session.commit()
    return "".join(f"{number}\n" for number in issued)


def main() -> None:
    url, instant, processes, count, below = sys.argv[1:]
    numbers.DRAWN_BELOW = int(below)
    app = create_app(settings_for(url))
    # They are forked before anybody connects, and begin when the pipe that they wait at is closed.
    start, hold = os.pipe()
    children = []
    for _ in range(int(processes)):
        child = os.fork()
        if child == 0:
            os.close(hold)
            os.read(start, 1)
            issued = issue(app, count=int(count), now=datetime.fromisoformat(instant))
            os.write(1, issued.encode())
            os._exit(0)
        children.append(child)
    os.close(hold)
    faults = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(any(faults))


if __name__ == "__main__":
    main()
