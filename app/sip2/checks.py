"""The gateway's requests to the register, in a few threads, so that no kiosk waits for another one's answer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from flask import Flask

from app.register.card.scans import scan
from app.register.limits.budgets import TooManyAttempts
from app.register.staff.machine_use import note_refusal
from app.register.staff.machines import MachineRefused, recognise_kiosk, sign_in_machine, terminal_of
from app.rules.card.scan import Refused
from app.sip2.words import Trouble, Why
from app.web.clock import now
from app.web.metrics.counting import count_scan

_THREADS = 4
_SECONDS = 5.0

_log = structlog.get_logger()

T = TypeVar("T")


class Checks:
    """Safe to use from one event loop; close it in the end."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sip2")

    async def check_card(self, *, payload: str, kiosk: str, library_id: str) -> str | Why:
        """Check a scanned code as POST /api/v1/scan does, and return the card's number, or why it is refused."""

        def check() -> str | Why:
            try:
                machine = recognise_kiosk(username=kiosk, library_id=library_id, now=now())
            except MachineRefused:
                return Trouble.NOT_SIGNED_ON
            outcome = scan(payload=payload, terminal=terminal_of(machine), now=now())
            count_scan("kiosk", outcome)
            if isinstance(outcome, Refused):
                note_refusal(username=kiosk, reason=outcome.reason.value, now=now())
            return outcome.reason if isinstance(outcome, Refused) else outcome.patron.card_number

        return await self._ask(check)

    async def sign_on(self, *, username: str, password: str, address: str, library_id: str) -> str | Trouble:
        """Return a kiosk's user name if it and the password are those of a kiosk of the library, or what is wrong.
        Wrong ones are counted by address, as at the API."""

        def check() -> str | Trouble:
            try:
                machine = sign_in_machine(username=username, password=password, address=address, now=now())
            except (MachineRefused, TooManyAttempts):
                return Trouble.NOT_SIGNED_ON
            is_kiosk = machine.kind == "kiosk" and machine.library_id == library_id
            return username if is_kiosk else Trouble.NOT_SIGNED_ON

        return await self._ask(check)

    def close(self) -> None:
        """Start nothing more. What was begun is finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, check: Callable[[], T]) -> T | Trouble:
        def run() -> T:
            with self._app.app_context():
                return check()

        loop = asyncio.get_running_loop()
        # A database that was restarted has dropped each thread's connection; the second try opens a new one. A retry is
        # safe: a step that this kiosk took already gets the same answer again.
        for is_last in (False, True):
            try:
                return await asyncio.wait_for(loop.run_in_executor(self._threads, run), _SECONDS)
            except TimeoutError:
                break
            except Exception as error:
                if is_last:
                    # The kind of the error alone: its text may hold somebody's data.
                    _log.error("register not reached", kind=type(error).__name__)
        return Trouble.NO_REGISTER
