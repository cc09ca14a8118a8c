"""How gunicorn serves the portal; read by `gunicorn wsgi:app` in this folder. Its options go on the command line."""

import logging
import re

# A link to a new PIN and a receipt are secrets in an address, and gunicorn writes addresses: into its access log,
# for every request where its log is set to debug, and where a request fails outside of the portal.
_SECRET = re.compile(r"(/(?:new-pin|receipt)/)[^\s?\"']+")


class _WithoutSecrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything by, without what follows such an address."""
        record.msg, record.args = _SECRET.sub(r"\1<secret>", record.getMessage()), ()
        return True


def on_starting(_server: object) -> None:
    """Put the filter before both of gunicorn's logs; its workers are forked later, and have it too."""
    for name in ("gunicorn.error", "gunicorn.access"):
        logging.getLogger(name).addFilter(_WithoutSecrets())
