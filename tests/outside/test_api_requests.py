"""What proxies and clients make of requests to the API, and the answers they get."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from tests.doors.visits import KIOSK_1, NOBODYS_CODE, SCAN, SYSTEM

PATRON = "/api/v1/patrons/N000100001"
# nginx and Cloudflare weaken an entity tag, Apache and Jetty write the encoding into it.
CHANGED_BY_PROXIES = [
    "{}",
    "W/{}",
    "{-gzip}",
    "{--gzip}",
    "{-br}",
    "{;gzip}",
    "{-zstd}",
    "W/{-gzip}",
    '"other", {-gzip}',
]


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


def changed(etag: str, shape: str) -> str:
    before, _, after = shape.replace("}", "{").partition("{")
    suffix, _, after = after.partition("{")
    return before + etag[:-1] + suffix + '"' + after


@pytest.mark.parametrize("shape", CHANGED_BY_PROXIES)
def test_an_entity_tag_that_a_compressing_proxy_changed_is_the_same(client: FlaskClient, shape: str) -> None:
    seen = changed(client.get(PATRON, auth=SYSTEM).headers["ETag"], shape)
    assert client.get(PATRON, auth=SYSTEM, headers={"If-None-Match": seen}).status_code == 304
    assert client.get(PATRON, auth=SYSTEM, headers={"If-Match": seen}).status_code == 200
    corrected = client.patch(PATRON, auth=SYSTEM, headers={"If-Match": seen}, json={"place": "Kløfta"})
    assert corrected.status_code == 200, corrected.text
    assert client.patch(PATRON, auth=SYSTEM, headers={"If-Match": seen}, json={"place": "Moss"}).status_code == 412


@pytest.mark.parametrize("seen", ['W/"0f3a"', '"0f3a-gzip"', '"-gzip"', '""', "W/", "*"])
def test_any_other_entity_tag_is_none_of_the_patrons(client: FlaskClient, seen: str) -> None:
    answer = client.patch(PATRON, auth=SYSTEM, headers={"If-Match": seen}, json={"place": "Moss"})
    assert answer.status_code == (428 if seen == "*" else 412)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"payload": "%s"}'.encode("utf-8-sig"), 200),
        (b'{"payload": "%s"}', 200),
        ('\ufeff{"payload": "%s"}'.encode("utf-8-sig"), 400),
        ('{"payload": "%s"}'.encode("utf-16"), 400),
        (b"\xef\xbb\xbf", 400),
    ],
)
def test_json_may_begin_with_a_byte_order_mark(client: FlaskClient, body: bytes, status: int) -> None:
    sent = body.replace(b"%s", NOBODYS_CODE.encode())
    assert client.post(SCAN, data=sent, content_type="application/json", auth=KIOSK_1).status_code == status
