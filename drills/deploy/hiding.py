"""No log of the proxy or the portal holds a secret, a card number or a whole network address, whatever is sent."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

from drills.deploy.portal import Portal, Upstream
from drills.deploy.proxy import NAME, Proxy
from drills.figures import Figures
from tests.ports import own_port

_CANARY = "5d1c0ffee"
_CARD = "N918273645"
_SOURCE = "127.77.88.99"
_AT_ONCE = 8
_ADDRESSES = (
    f"/new-pin/{_CANARY}",
    f"/undo/{_CANARY}",
    f"/receipt/{_CANARY}",
    f"/new-pin//{_CANARY}/",
    f"/x/../undo/{_CANARY}",
    f"/%75ndo/{_CANARY}",
    f"/NEW-PIN/{_CANARY}",
    f"/{_CANARY}",
    f"/static/{_CANARY}",
    f"/static/v-{_CANARY}/{_CARD}",
    f"/.well-known/acme-challenge/{_CANARY}",
    f"/metrics/{_CANARY}",
    f"/healthz?{_CANARY}={_CARD}",
    f"/card?card={_CARD}&pin={_CANARY}",
    f"/api/v1/patrons/{_CARD}",
    "/api/v1/patrons/%4E918273645/activation",
    f"/api/v1/patrons/{_CARD.lower()}?n={_CARD}",
    f"/api/v1/deaths/{_CARD}",
    f"/api/v1/{_CARD}",
    f"/desk/{_CARD}",
    f"/{_CARD}",
    f"/{'x' * 9000}{_CANARY}",
)
_HEADERS = {
    "User-Agent": _CANARY,
    "Referer": f"https://{NAME}/new-pin/{_CANARY}",
    "Cookie": f"lanekort_device={_CANARY}",
    "Authorization": f"Basic {_CANARY}",
    "X-Forwarded-For": f"{_CANARY}, {_CARD}",
    "X-Request-ID": _CANARY,
    "Accept-Language": _CANARY,
}
_MALFORMED = (
    f"GET /new-pin/{_CANARY}\r\n\r\n",
    f"GET /new-pin/{_CANARY} HTTP/1.1\r\n\r\n",
    f"GET /new-pin/{_CANARY} HTTP/9.{_CANARY}\r\nHost: {NAME}\r\n\r\n",
    f"{_CANARY.upper()} /{_CARD} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n",
    f"get /undo/{_CANARY} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    f"GET /undo/{_CANARY} HTTP/1.1\r\nHost: {_CANARY}\r\nConnection: close\r\n\r\n",
    f"GET /undo/{_CANARY} HTTP/1.1\r\nHost: {NAME}\r\nHost: {_CANARY}\r\n\r\n",
    f"GET /undo/{_CANARY} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {_CANARY}\r\n\r\n",
    f"POST /undo/{_CANARY} HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\n{_CANARY}\r\n",
    f"POST /undo/{_CANARY} HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: {_CANARY}\r\n\r\n",
    f"GET /undo/{_CANARY}\x00 HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    f"GET /undo/%zz{_CANARY} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    f"GET /../../{_CANARY} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    f"GET http://{_CANARY}/{_CARD} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: {NAME}\r\n{_CANARY}\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-{_CANARY}: {'y' * 40_000}\r\n\r\n",
    f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{_CANARY}",
    f"{_CANARY}\r\n\r\n",
)


def try_hiding(figures: Figures, proxy: Proxy, portal: Portal, upstream: Upstream) -> None:
    """Send secrets wherever they may be sent: to the portal, to one that fails and to one that is away."""
    sent = _send_everywhere(proxy)
    for manner in ("break off", "nonsense"):
        upstream.manner = manner
        proxy.lead_to(upstream.port)
        sent += _send_everywhere(proxy)
    upstream.manner = "answer"
    proxy.lead_to(own_port())
    sent += _send_everywhere(proxy)
    proxy.lead_to(portal.port)
    logs = proxy.written() + portal.log.read_text(errors="replace")
    found = [word for word in (_CANARY, _CANARY.upper(), _CARD, _CARD.lower(), _CARD[1:]) if word in logs]
    figures.promise("secrets in logs", f"{found or 'none'} after {sent} requests", holds=not found, promised="none")
    network = f'"{_SOURCE.rpartition(".")[0]}.0/24"'
    hidden = _SOURCE not in logs and network in logs
    figures.promise("network addresses in logs", network, holds=hidden, promised="networks alone")
    places = {line.partition('"place":"')[2].partition('"')[0] for line in logs.splitlines() if '"place"' in line}
    figures.note("places in logs", ", ".join(sorted(places)))
    lines = proxy.written().count('"status":')
    figures.promise("lines in the proxy's log", lines, holds=lines >= sent, promised="one a request at least")


def _send_everywhere(proxy: Proxy) -> int:
    """Send all of it, and return how many well-formed requests that were."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Some of these wait for more that never comes; then the client goes.
        said = [pool.submit(proxy.say, raw.encode("latin-1"), source=_SOURCE, seconds=1) for raw in _MALFORMED]
        for method, path in product(("GET", "POST", "DELETE"), _ADDRESSES):
            body = f"pin={_CANARY}&card_number={_CARD}".encode() if method == "POST" else None
            for clear in (False, True):
                proxy.ask(method, path, body=body, headers=_HEADERS, source=_SOURCE, clear=clear)
        for each in said:
            each.result()
    return 3 * len(_ADDRESSES) * 2
