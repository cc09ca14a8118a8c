"""Run as a program: another process at the same database, which acts, or stops where it is told and waits to be killed.

python -m tests.circulation.worker URL INSTANT STOP CALLS, where CALLS is JSON: [[call, body], …]. Says "ready", waits
for a line, acts, and prints each outcome ("ok" or the code of the refusal).
"""

import json
import sys
from datetime import datetime

from sqlalchemy import event
from sqlalchemy.orm import Session

from circulation.factory import create_circulation
from circulation.settings import Settings


def stop(session: Session) -> None:
    if session.in_nested_transaction():
        return
    sys.stdout.write("stopped\n")
    sys.stdout.flush()
    sys.stdin.readline()


def main() -> None:
    url, instant, where, calls = sys.argv[1:]
    now = datetime.fromisoformat(instant)
    app = create_circulation(Settings({"Mull": url}, "user", "password"), clock=lambda: now)
    client = app.test_client()
    if where:
        event.listen(Session, where, stop)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for call, body in json.loads(calls):
        answer = client.post(f"/circulation/v1/Mull/{call}", json=body, auth=("user", "password"))
        sys.stdout.write(f"{answer.get_json().get('code', 'ok')}\n")


if __name__ == "__main__":
    main()
