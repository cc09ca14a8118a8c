"""The card in Google Wallet: three ways to the same code, and the way there in a real browser."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask_migrate
import pytest
from playwright.sync_api import Page, Route, expect

from app import create_app
from app.card.google_wallet import make_google_object, sign_save_link
from app.config import demo_settings
from app.demo.seed import seed_register
from app.register.card.wallet_passes import WalletPass
from app.register.store.transaction import db
from app.rules.card.code import Kind, build, totp_at
from tests.contract.world import serving
from tests.journeys.conftest import Opener
from tests.journeys.people import Visitor
from tests.journeys.test_accessibility import assert_fits, assert_sound
from tests.wallets import SAVE, fill_in, google_issuer, google_object_of

PASSES = 2000
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
WORK_OUT = """async (passes) => {
    const { codeAt } = await import("/static/js/card/keys.js");
    const codes = [];
    for (const [head, hex, step] of passes) {
        const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
        const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
        codes.push((await codeAt({ key, head }, step)).digits.replaceAll(" ", ""));
    }
    return codes;
}"""


def make_pass(draw: random.Random) -> WalletPass:
    return WalletPass(
        name="Ingrid Solvang",
        card_number="N000100001",
        head=build(kind=Kind.ROTATING, credential=f"{draw.randrange(10**12):012d}"),
        key=draw.randbytes(20),
        holder="0f" * 16,
        expires_at=NOW + timedelta(days=365),
    )


def test_wallet_webcrypto_and_python_work_out_the_same_codes(open_page: Opener) -> None:
    draw, issuer = random.Random(), google_issuer()
    passes = [(make_pass(draw), draw.randrange(2**33)) for _ in range(PASSES)]
    by_wallet = []
    for made, instant in passes:
        words = {"title": "Lånekort", "number_label": "Lånekortnummer", "language": "nb"}
        link = sign_save_link(
            make_google_object(made, issuer=issuer, **words),
            issuer=issuer,
            origin="https://card.example.org",
            now=NOW,
        )
        by_wallet.append(fill_in(google_object_of(link), at=instant))
    page = open_page()
    page.goto("/offline")
    by_webcrypto = page.evaluate(WORK_OUT, [(made.head, made.key.hex(), instant // 30) for made, instant in passes])
    by_python = [made.head + totp_at(key=made.key, step=instant // 30) for made, instant in passes]
    assert by_wallet == by_python
    assert by_webcrypto == by_python


@pytest.fixture
def portal_with_wallet(tmp_path: Path) -> Iterator[str]:
    """A portal whose operator has Google Wallet; its address."""
    app = create_app(replace(demo_settings(tmp_path / "instance"), google_wallet=google_issuer()))
    with app.app_context():
        flask_migrate.upgrade()
        seed_register(now=datetime.now(UTC))
        db.session.remove()
    with serving(app) as address:
        yield address
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_phone_comes_from_the_button_to_google_past_the_content_security_policy(
    open_page: Opener, portal_with_wallet: str, scripts: bool
) -> None:
    page = open_page(base_url=portal_with_wallet, java_script_enabled=scripts)
    asked: list[str] = []
    referrers: list[str | None] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        referrers.append(route.request.headers.get("referer"))
        route.fulfill(body="Google")

    page.context.route("https://pay.google.com/**", answer)
    Visitor(page).signs_in()
    if scripts:
        page.goto("/card/wallet")
        assert_looks_right(page)
    page.goto("/card")
    page.get_by_role("button", name="Legg i Google Lommebok").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kortet er klart")
    if scripts:
        assert_looks_right(page)
    page.get_by_role("link", name="Lagre i Google Lommebok").click()
    page.wait_for_url(f"{SAVE}**")
    assert [google_object_of(link)["header"]["defaultValue"]["value"] for link in asked] == ["Ingrid Solvang"]
    assert referrers == [None]


def assert_looks_right(page: Page) -> None:
    assert_sound(page)
    assert_fits(page)
