"""What the card page's script and the installed app get: nothing personal in what is kept, and only one's own keys."""

from base64 import b64encode
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient

from app.card.install import FILES
from tests.conftest import Clock
from tests.doors.visits import (
    CHILD,
    GUARDIAN,
    log_in,
    log_out,
    read_page,
)

NAMES = ("Ingrid", "Solvang", "000 100 001", "N000100001")
FOR_EVERYBODY = ("/card/app", "/offline", "/sw.js", "/manifest.webmanifest", "/time")


def public_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return b64encode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).decode()


def agree(browser: FlaskClient, *, card: object = "own", key: object = None, former: object = None):
    token = browser.get("/card/app.json").json.get("csrf_token", "")
    question = {"card": card, "public_key": public_key() if key is None else key, "former": former}
    return browser.post("/card/keys", json=question, headers={"X-CSRFToken": token})


@pytest.mark.parametrize("path", FOR_EVERYBODY)
def test_what_is_kept_is_the_same_for_everybody(client: FlaskClient, phone: FlaskClient, path: str) -> None:
    answer = phone.get(path)
    assert not [name for name in NAMES if name in answer.text]
    assert "csrf_token" not in answer.text
    if path != "/time":
        assert answer.text == client.get(path, headers={"Accept-Language": "en"}).text
        assert answer.headers["ETag"]


def test_the_app_that_was_rendered_for_a_patron_first_is_no_other(client: FlaskClient, phone: FlaskClient) -> None:
    first = phone.get("/card/app").text
    assert "leave.js" not in first
    assert client.get("/card/app", headers={"Accept-Language": "en"}).text == first


def test_every_file_that_the_app_keeps_is_there(client: FlaskClient) -> None:
    worker = client.get("/sw.js").text
    for name in FILES:
        assert f"/{name}" in worker
        assert client.get(f"/static/{name}").status_code == 200, name


def test_all_that_the_card_page_asks_for_is_kept(phone: FlaskClient, client: FlaskClient) -> None:
    worker = client.get("/sw.js").text
    page = read_page(client.get("/card/app"))
    asked = [str(link["href"]) for link in page.find_all("link", rel=["stylesheet", "modulepreload", "preload"])]
    asked += [str(script["src"]) for script in page.find_all("script")]
    assert len(asked) > 10
    assert [address for address in asked if address not in worker] == []


def test_the_app_can_be_installed(client: FlaskClient) -> None:
    manifest = client.get("/manifest.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    told = manifest.get_json(force=True)
    assert (told["display"], told["start_url"], told["scope"]) == ("standalone", "/card/app", "/")
    sizes = {(icon["sizes"], icon["purpose"]) for icon in told["icons"]}
    assert sizes == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    assert told["orientation"] == "any"
    shortcuts = told["shortcuts"]
    assert [(each["name"], each["url"]) for each in shortcuts] == [("Card", "/card/app"), ("Loans", "/my/loans")]
    for icon in [*told["icons"], *(icon for each in shortcuts for icon in each["icons"])]:
        assert client.get(icon["src"]).mimetype == "image/png"


def test_the_time_is_the_servers(client: FlaskClient, clock: Clock) -> None:
    assert client.get("/time").json == {"now": int(clock().timestamp() * 1000)}


def test_an_own_phone_is_told_its_card_and_gets_a_key(phone: FlaskClient, clock: Clock) -> None:
    (card,) = phone.get("/card/app.json").json["cards"]
    assert (card["card"], card["name"], card["card_number"]) == ("own", "Ingrid Solvang", "N 000 100 001")
    assert card["keys"] == []
    agreed = agree(phone).json
    assert agreed["expires"] == int(clock().timestamp() + 90 * 86400) * 1000
    (card,) = phone.get("/card/app.json").json["cards"]
    assert card["keys"] == [{"head": agreed["head"], "renew": False}]


def test_a_borrowed_device_keeps_nothing_and_gets_no_key(client: FlaskClient) -> None:
    log_in(client, *GUARDIAN)
    told = client.get("/card/app.json").json
    assert (told["signed_in"], told["keeps"], told["cards"]) == (True, False, [])
    token = read_page(client.get("/my/settings")).find("input", attrs={"name": "csrf_token"})
    assert token is not None
    question = {"card": "own", "public_key": public_key(), "former": None}
    answer = client.post("/card/keys", json=question, headers={"X-CSRFToken": str(token["value"])})
    assert answer.status_code == 422
    passes = read_page(client.get("/card")).find(id="passes")
    assert passes is not None
    assert "data-keeps" not in passes.attrs


def test_a_stranger_is_told_nothing(client: FlaskClient) -> None:
    told = client.get("/card/app.json").json
    assert (told["signed_in"], told["keeps"], told["cards"]) == (False, False, [])
    assert "csrf_token" not in told


@pytest.mark.parametrize("card", ["", "1", "99999999999999999999", "-1", "١", None, 1, ["own"], "own "])
def test_a_card_that_is_not_ones_own_gets_no_key(phone: FlaskClient, card: object) -> None:
    assert agree(phone, card=card).status_code == 422


@pytest.mark.parametrize("key", ["", "x", "AAAA", b64encode(b"\x04" * 65).decode(), 7, "é" * 88, "A" * 10_000])
def test_a_key_that_is_none_is_refused(phone: FlaskClient, key: object) -> None:
    assert agree(phone, key=key).status_code == 422


def test_without_the_pages_own_token_there_is_no_key(phone: FlaskClient) -> None:
    assert phone.post("/card/keys", json={"card": "own", "public_key": public_key()}).status_code == 400


def test_signing_out_tells_the_browser_to_forget_and_the_register_to_revoke(phone: FlaskClient) -> None:
    agree(phone)
    answer = log_out(phone)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    log_in(phone, *GUARDIAN, keep=True)
    assert phone.get("/card/app.json").json["cards"][0]["keys"] == []


def test_signing_in_where_somebody_elses_card_may_lie_clears_it_away(
    phone: FlaskClient, new_browser: Callable[..., FlaskClient]
) -> None:
    assert "Clear-Site-Data" not in log_in(phone, *GUARDIAN, keep=True).headers
    agree(phone)
    answer = log_in(phone, *CHILD)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "lanekort_device" not in answer.headers.get("Set-Cookie", "")
    log_in(phone, *GUARDIAN, keep=True)
    assert phone.get("/card/app.json").json["cards"][0]["keys"] == []


# --- files ---


def test_a_files_address_has_its_version_and_may_be_kept_for_a_year(client: FlaskClient) -> None:
    page = read_page(client.get("/"))
    sheet = page.find("link", rel="stylesheet")
    assert sheet is not None
    answer = client.get(str(sheet["href"]), headers={"Accept-Encoding": "gzip"})
    assert answer.cache_control.max_age == 365 * 86400
    assert answer.cache_control.immutable
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_what_is_for_everybody_does_not_depend_on_who_is_signed_in(phone: FlaskClient) -> None:
    for path in ("/static/css/card.css", *FOR_EVERYBODY):
        answer = phone.get(path)
        assert "Cookie" not in answer.headers.get("Vary", ""), path
        assert "Set-Cookie" not in answer.headers, path


def test_another_releases_address_gets_the_file_and_is_not_kept(client: FlaskClient) -> None:
    answer = client.get("/static/v-0000000000/css/card.css")
    assert answer.status_code == 200
    assert answer.cache_control.max_age == 0


def test_a_file_that_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/static/css/card.css", headers={"Accept-Encoding": "gzip"})
    again = client.get(
        "/static/css/card.css", headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    assert again.data == b""


def test_a_personal_page_is_never_compressed(phone: FlaskClient) -> None:
    for path in ("/card", "/my", "/card/app.json"):
        assert "Content-Encoding" not in phone.get(path, headers={"Accept-Encoding": "gzip"}).headers
