"""Whole sign-ins at an OpenID provider that others wrote in Python: IdentityPython's idpyoidc (PyPI)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest
from bs4 import BeautifulSoup
from joserfc.jwk import ECKey, RSAKey

from app.eid.identity import Identity
from app.eid.provider import Answer, Begun, Provider
from app.eid.refusals import EidRefused, Why
from tests.contract.world import PATIENCE
from tests.eid import ANNE
from tests.outside.idpy import PASSWORD, IdpyService, idpy_service
from tests.ports import own_port

# The provider warns that its log-in with a password is for tests.
pytestmark = pytest.mark.filterwarnings("ignore::idpyoidc.server.exception.OnlyForTestingWarning")

BACK = "https://card.example.org/sign-in/answer"


def log_in(address: str, password: str = PASSWORD) -> Answer:
    """Do what Anne's browser does at the service, and return the answer that it brings back."""
    page = httpx.get(address, timeout=PATIENCE)
    form = BeautifulSoup(page.text, "html.parser").select_one("form")
    assert form is not None, page.text
    sent = {name["name"]: name.get("value", "") for name in form.select("input")}
    sent |= {"username": ANNE["pid"], "password": password}
    sent_back = httpx.post(urljoin(address, str(form["action"])), data=sent, timeout=PATIENCE)
    assert sent_back.status_code == 302, sent_back.text
    assert sent_back.headers["Location"].startswith(f"{BACK}?")
    came = dict(parse_qsl(urlsplit(sent_back.headers["Location"]).query))
    return Answer(state=came["state"], code=came["code"], issuer=came["iss"])


def begin(provider: Provider) -> tuple[Answer, Begun]:
    address, begun = provider.begin(redirect_uri=BACK, language="nb", anew=True)
    return log_in(address), begun


def finish(provider: Provider, answer: Answer, begun: Begun) -> Identity:
    return provider.finish(answer, begun=begun, redirect_uri=BACK, now=datetime.now(UTC))


@pytest.fixture
def algorithm() -> str:
    return "RS256"


@pytest.fixture
def service(algorithm: str) -> Iterator[IdpyService]:
    with idpy_service(own_port(), ANNE, redirect_uri=BACK, algorithm=algorithm) as served:
        yield served


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256"])
def test_a_person_signs_in_also_after_the_keys_changed(service: IdpyService) -> None:
    provider = Provider(service.settings())
    for _ in range(3):
        who = finish(provider, *begin(provider))
        assert (who.number, who.name, who.gender) == (ANNE["pid"], ANNE["name"], ANNE["gender"])
        assert who.birth_date == date.fromisoformat(ANNE["birthdate"])
        service.change_keys()
    assert [service.calls.count(path) for path in ("/jwks", "/token", "/userinfo")] == [3, 3, 3]


@pytest.mark.parametrize("key", [RSAKey.generate_key(2048), ECKey.generate_key("P-256")], ids=["RSA", "EC"])
def test_a_key_proves_who_asks(service: IdpyService, key: RSAKey | ECKey) -> None:
    service.know_client_by(key.as_dict(private=False))
    pem = key.as_pem(private=True).decode()
    provider = Provider(replace(service.settings(), client_secret="", private_key=pem))
    assert finish(provider, *begin(provider)).number == ANNE["pid"]


def use_the_code_twice(provider: Provider) -> None:
    answer, begun = begin(provider)
    assert finish(provider, answer, begun).number == ANNE["pid"]
    finish(provider, answer, begun)


def prove_with_another_verifier(provider: Provider) -> None:
    answer, begun = begin(provider)
    finish(provider, answer, replace(begun, verifier="v" * 64))


def expect_another_nonce(provider: Provider) -> None:
    answer, begun = begin(provider)
    finish(provider, answer, replace(begun, nonce="n" * 43))


def want_another_level(provider: Provider) -> None:
    provider.settings = replace(provider.settings, acr=("idporten-loa-substantial",))
    finish(provider, *begin(provider))


def take_the_code_of_another_sign_in(provider: Provider) -> None:
    (_, begun), (other, _) = begin(provider), begin(provider)
    finish(provider, replace(other, state=begun.state), begun)


def send_another_secret(provider: Provider) -> None:
    provider.settings = replace(provider.settings, client_secret="of somebody else, and forty letters long")
    finish(provider, *begin(provider))


def prove_with_another_key(provider: Provider) -> None:
    pem = ECKey.generate_key("P-256").as_pem(private=True).decode()
    provider.settings = replace(provider.settings, client_secret="", private_key=pem)
    finish(provider, *begin(provider))


@pytest.mark.parametrize(
    ("attempt", "why"),
    [
        (use_the_code_twice, Why.EXPIRED),
        (prove_with_another_verifier, Why.EXPIRED),
        (take_the_code_of_another_sign_in, Why.EXPIRED),
        (send_another_secret, Why.EXPIRED),
        (prove_with_another_key, Why.EXPIRED),
        (expect_another_nonce, Why.NOT_OURS),
        (want_another_level, Why.TOO_WEAK),
    ],
)
def test_what_does_not_fit_is_refused(service: IdpyService, attempt: Callable[[Provider], None], why: Why) -> None:
    with pytest.raises(EidRefused) as refused:
        attempt(Provider(service.settings()))
    assert refused.value.why is why
