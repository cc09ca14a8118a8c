"""Text messages."""

import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING
from urllib.parse import quote

from app.messages.channels import Letter, NotSent

if TYPE_CHECKING:
    from apprise import NotifyBase

NUMBER = "{to}"
LONGEST_SECONDS = 15
# More than are sent at a time. Calls that never end use them up; then sending fails without waiting.
MOST_AT_ONCE = 32
_TALKATIVE = ("apprise", "urllib3.connectionpool", "urllib3.poolmanager", "urllib3.response", "urllib3.util.retry")


class Sms:
    """SMS through whichever provider the URL names, in the words of apprise, with `{to}` in the number's place."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)

    def send(self, letter: Letter) -> None:
        """Send a text message, within fifteen seconds. Raises NotSent."""
        # A second and forty megabytes, for the worker alone.
        from apprise import Apprise, AppriseAsset

        # They write the number or the words of a text message to the log, at whatever level.
        for name in _TALKATIVE:
            logging.getLogger(name).disabled = True
        url = self._url.replace(NUMBER, quote(letter.to, safe=""))
        provider = Apprise.instantiate(url, asset=AppriseAsset(async_mode=False), suppress_exceptions=True)
        if provider is None:
            raise NotSent("SMS_URL is not understood")
        if not self._free.acquire(blocking=False):
            raise NotSent("every connection to the provider hangs")
        try:
            taken = self._ask(provider, letter.body).result(timeout=LONGEST_SECONDS)
        except Exception as error:
            # Providers are many, and so is what they raise; its text may hold the number.
            raise NotSent(type(error).__name__) from None
        if not taken:
            raise NotSent("the provider did not take it")

    def _ask(self, provider: "NotifyBase", body: str) -> "Future[bool]":
        """Ask the provider in a thread of its own: apprise bounds each step of the dialogue, and never the whole."""
        answer = Future[bool]()

        def ask() -> None:
            try:
                answer.set_result(bool(provider.notify(body=body)))
            except Exception as error:
                answer.set_exception(error)
            finally:
                self._free.release()

        threading.Thread(target=ask, name="sms", daemon=True).start()
        return answer
