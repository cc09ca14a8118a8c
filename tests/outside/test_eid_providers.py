"""OpenID providers other than ID-porten: their keys, their levels of assurance, and how they write a number."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.eid.provider import Answer, Provider
from app.eid.refusals import EidRefused, Why
from app.eid.settings import read_eid
from tests.eid import ANNE, InventedService, Manners

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def service() -> Iterator[InventedService]:
    invented = InventedService(lambda: NOW)
    yield invented
    invented.stop()


def number_of(service: InventedService, provider: Provider | None = None, **settings: Any) -> str:
    provider = provider or Provider(service.settings(**settings))
    address, begun = provider.begin(redirect_uri="https://card.example.org/x", language="nb", anew=True)
    came = service.sign_in(address, ANNE)
    answer = Answer(state=came["state"], code=came["code"], issuer=came["iss"])
    return provider.finish(answer, begun=begun, redirect_uri="https://card.example.org/x", now=NOW).number


def ec(curve: str, **words: str) -> Callable[[], Any]:
    return lambda: ECKey.generate_key(curve, parameters=words or None)  # type: ignore[arg-type]


def okp(**words: str) -> Callable[[], Any]:
    return lambda: OKPKey.generate_key("Ed25519", parameters=words or None)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # its new name is Ed25519 (RFC 9864); providers have both
@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        (ec("P-256", kid="1"), "ES256"),
        (ec("P-384", kid="1"), "ES384"),
        (ec("P-384", kid="1", use="sig", alg="ES384"), "ES384"),
        (ec("P-521", kid="1"), "ES512"),
        (okp(kid="1"), "EdDSA"),
        (okp(kid="1", use="sig", alg="EdDSA"), "EdDSA"),
        (okp(kid="1"), "Ed25519"),
        (ec("P-384"), "ES384"),
        (lambda: RSAKey.generate_key(2048, parameters={"kid": "1"}), "PS512"),
        (lambda: RSAKey.generate_key(2048, parameters={"kid": "1"}), "RS384"),
    ],
)
def test_tokens_are_signed_in_many_ways(service: InventedService, make: Callable[[], Any], algorithm: str) -> None:
    service.manners = Manners(own_key=make(), algorithm=algorithm)
    assert number_of(service) == ANNE["pid"]


@pytest.mark.parametrize("named", [True, False], ids=["with key ids", "without"])
def test_keys_may_change_twice_within_a_minute(service: InventedService, named: bool) -> None:
    provider = Provider(service.settings(), verify=False)
    for number in range(4):
        words = {"kid": str(number)} if named else None
        service.manners = Manners(own_key=ECKey.generate_key("P-256", parameters=words), algorithm="ES256")  # type: ignore[arg-type]
        assert number_of(service, provider) == ANNE["pid"]
    assert service.calls.count("/jwks") == 4


def test_a_key_that_is_not_listed_is_looked_for_once(service: InventedService) -> None:
    provider = Provider(service.settings(), verify=False)
    number_of(service, provider)
    service.manners = Manners(wrong_key=True)
    for _ in range(3):
        with pytest.raises(EidRefused):
            number_of(service, provider)
    assert service.calls.count("/jwks") == 2


@pytest.mark.parametrize(
    ("claim", "number"),
    [
        (14859030085, "14859030085"),
        ("14859030085", "14859030085"),
        (" 14859030085 ", "14859030085"),
        (1859030085, "01859030085"),
        (199005142389, "199005142389"),
    ],
)
def test_a_number_is_read_also_where_it_is_an_integer(service: InventedService, claim: object, number: str) -> None:
    service.manners = Manners(changes={"pid": claim})
    assert number_of(service) == number


@pytest.mark.parametrize("claim", [True, None, "", " ", 14859030085.5, ["14859030085"], {"no": 1}])
def test_what_is_no_number_is_none(service: InventedService, claim: object) -> None:
    service.manners = Manners(changes={"pid": claim})
    with pytest.raises(EidRefused) as refused:
        number_of(service)
    assert refused.value.why is Why.SILENT


@pytest.mark.parametrize("acr", [None, "whatever"])
def test_a_service_without_levels_names_none_and_is_asked_for_none(service: InventedService, acr: str | None) -> None:
    service.manners = Manners(changes={"acr": acr})
    assert number_of(service, acr=()) == ANNE["pid"]
    provider = Provider(service.settings(acr=()))
    assert "acr_values" not in provider.begin(redirect_uri="https://x.example", language="nb", anew=False)[0]


def test_where_levels_are_wanted_none_is_too_weak(service: InventedService) -> None:
    service.manners = Manners(changes={"acr": None})
    with pytest.raises(EidRefused) as refused:
        number_of(service)
    assert refused.value.why is Why.TOO_WEAK


def test_that_a_service_has_no_levels_is_said_in_its_settings() -> None:
    environ = {
        "EID_PROFILE": "oidc",
        "EID_ISSUER": "https://id.example.org",
        "EID_CLIENT_ID": "card",
        "EID_CLIENT_SECRET": "s",
        "EID_NAME": "Freja",
        "EID_ID_CLAIM": "personal_number",
        "EID_ACR": "none",
    }
    faults: list[str] = []
    settings = read_eid(environ, faults)
    assert settings is not None
    assert (settings.acr, faults) == ((), [])


@pytest.mark.parametrize("methods", [["client_secret_post"], ["private_key_jwt", "client_secret_basic"], []])
def test_the_secret_is_sent_as_the_service_takes_it(service: InventedService, methods: list[str]) -> None:
    service.manners = Manners(auth_methods=methods)
    assert number_of(service) == ANNE["pid"]
