"""Which sign-in service is asked: ID-porten as it comes, another in its own words, and every fault of the settings."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from app.eid.provider import Answer, Provider
from app.eid.settings import EidSettings, read_eid
from tests.conftest import Clock
from tests.eid import ANNE, CLIENT_ID, Manners, invented_service

IDPORTEN = {"EID_ISSUER": "https://idporten.no", "EID_CLIENT_ID": "lanekort", "EID_CLIENT_SECRET": "s"}
SWEDISH = IDPORTEN | {
    "EID_ISSUER": "https://eid.example.se/",
    "EID_PROFILE": "oidc",
    "EID_NAME": "Freja",
    "EID_ID_CLAIM": "personal_identity_number",
    "EID_ACR": "loa3 loa4",
}


def read(environ: dict[str, str]) -> tuple[EidSettings | None, list[str]]:
    faults: list[str] = []
    return read_eid(environ, faults), faults


def test_without_an_issuer_it_is_off() -> None:
    assert read({"EID_CLIENT_ID": "left over"}) == (None, [])


def test_id_porten_needs_no_more_than_an_issuer_and_a_client() -> None:
    settings, faults = read(IDPORTEN)
    assert faults == []
    assert settings is not None
    assert (settings.name, settings.id_claim, settings.scope) == ("ID-porten", "pid", "openid profile")
    assert settings.acr == ("idporten-loa-substantial", "idporten-loa-high")
    assert settings.needs_tls


def test_another_service_is_described_in_its_own_words() -> None:
    settings, faults = read(SWEDISH)
    assert faults == []
    assert settings is not None
    assert (settings.name, settings.id_claim, settings.acr) == ("Freja", "personal_identity_number", ("loa3", "loa4"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"EID_ISSUER": "http://idporten.no"}, "EID_ISSUER"),
        ({"EID_PROFILE": "saml"}, "EID_PROFILE"),
        ({"EID_CLIENT_ID": ""}, "EID_CLIENT_ID must be given"),
        ({"EID_CLIENT_SECRET": ""}, "EID_CLIENT_SECRET or EID_KEY_FILE"),
        ({"EID_KEY_FILE": "/nowhere"}, "EID_KEY_FILE"),
        ({"EID_PROFILE": "oidc"}, "EID_NAME, EID_ID_CLAIM, EID_ACR must be given"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, str], words: str) -> None:
    settings, faults = read(IDPORTEN | changes)
    assert settings is None
    assert any(words in fault for fault in faults), faults


@pytest.mark.parametrize(
    "pem",
    [
        RSAKey.generate_key(2048).as_pem(private=False),
        ECKey.generate_key("P-256").as_pem(private=False),
        ECKey.generate_key("P-384").as_pem(private=True),
        RSAKey.generate_key(2048).as_pem(private=True, password="long"),
        b"secret",
    ],
    ids=["public", "public-ec", "another-curve", "locked", "no-key"],
)
def test_a_key_that_cannot_sign_is_found_at_the_start(tmp_path: Path, pem: bytes) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(pem)
    settings, faults = read(IDPORTEN | {"EID_CLIENT_SECRET": "", "EID_KEY_FILE": str(file)})
    assert settings is None
    assert "EID_KEY_FILE must be the path of a private key" in faults[0]


def test_no_secret_is_in_what_is_printed_of_the_settings() -> None:
    settings, _faults = read(IDPORTEN | {"EID_CLIENT_SECRET": "very-secret"})
    assert "very-secret" not in repr(settings)


@pytest.mark.parametrize("make", [lambda: RSAKey.generate_key(2048), lambda: ECKey.generate_key("P-256")])
def test_a_private_key_proves_who_asks(tmp_path: Path, clock: Clock, make: Callable[[], RSAKey | ECKey]) -> None:
    key = make()
    file = tmp_path / "key.pem"
    file.write_bytes(key.as_pem(private=True))
    with invented_service(clock) as service:
        environ = IDPORTEN | {"EID_CLIENT_ID": CLIENT_ID, "EID_CLIENT_SECRET": "", "EID_KEY_FILE": str(file)}
        shipped, faults = read(environ)
        assert shipped is not None, faults
        service.manners = Manners(client_key=key)
        settings = service.settings(private_key=shipped.private_key, key_id="ours")
        assert sign_in(Provider(settings), service.sign_in, clock()) == ANNE["pid"]
        (life,) = service.lives
        assert 60 <= life <= 120, "ID-porten refuses longer ones"
        assert service.assertions == [{"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": service.url, "kid": "ours"}]


def sign_in(provider: Provider, answer: Callable[[str, dict[str, str]], dict[str, str]], now: datetime) -> str:
    address, begun = provider.begin(redirect_uri="https://card.example.org/x", language="nb", anew=True)
    came = answer(address, ANNE)
    told = Answer(state=came["state"], code=came["code"], issuer=came["iss"])
    number = provider.finish(told, begun=begun, redirect_uri="https://card.example.org/x", now=now).number
    provider.close()
    return number
