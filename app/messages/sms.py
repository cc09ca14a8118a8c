"""Text messages."""

import logging
from urllib.parse import quote

from app.messages.channels import Letter, NotSent

NUMBER = "{to}"
_TALKATIVE = ("apprise", "urllib3.connectionpool", "urllib3.poolmanager", "urllib3.response", "urllib3.util.retry")


class Sms:
    """SMS through whichever provider the URL names, in the words of apprise, with `{to}` in the number's place."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, letter: Letter) -> None:
        """Send a text message. Raises NotSent."""
        # A second and forty megabytes, for the worker alone.
        from apprise import Apprise, AppriseAsset

        _keep_out_of_logs()
        url = self._url.replace(NUMBER, quote(letter.to, safe=""))
        provider = Apprise.instantiate(url, asset=AppriseAsset(async_mode=False), suppress_exceptions=True)
        if provider is None:
            raise NotSent("SMS_URL is not understood")
        try:
            taken = provider.notify(body=letter.body)
        except Exception as error:
            # Providers are many, and so is what they raise; its text may hold the number.
            raise NotSent(type(error).__name__) from None
        if not taken:
            raise NotSent("the provider did not take it")


def _keep_out_of_logs() -> None:
    """Silence those who write the number or the words of a text message to the log, at whatever level."""
    for name in _TALKATIVE:
        logging.getLogger(name).disabled = True
