"""What an operator gets from Google and Apple is read, and whatever would make no pass is said to be so."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.rules.card.wallet_issuers import NotAnIssuer, read_apple_issuer, read_google_issuer
from tests.wallets import (
    CLASS_ID,
    EMAIL,
    OPERATOR,
    PASS_TYPE,
    PASSWORD,
    TEAM,
    VALID,
    apple_contents,
    certify,
    make_key,
    pem_of,
    service_account,
)


def other_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def read_apple(*, password: str = PASSWORD, **changed: bytes):
    made = apple_contents(**changed)
    return read_apple_issuer(
        files=("c", "k", "a"),
        contents=(made["certificate"], made["key"], made["authority"]),
        password=password,
    )


def test_a_service_account_is_read_with_the_issuer_of_its_class():
    issuer = read_google_issuer(service_account(), class_id=CLASS_ID)
    assert (issuer.email, issuer.class_id, issuer.issuer_id) == (EMAIL, CLASS_ID, "3388000000012345678")
    assert "PRIVATE KEY" not in repr(issuer)


@pytest.mark.parametrize("class_id", ["", "lanekort", "3388000000012345678", "3388.x y", "x.lanekort", f"{CLASS_ID}/"])
def test_a_class_that_google_cannot_have_given_is_refused(class_id):
    with pytest.raises(NotAnIssuer, match="GOOGLE_WALLET_CLASS_ID"):
        read_google_issuer(service_account(), class_id=class_id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        service_account(private_key="x"),
        service_account(private_key=None),
        service_account(private_key=other_key()),
        service_account(client_email="nobody"),
        service_account(client_email=None),
    ],
)
def test_a_file_that_signs_nothing_is_refused_without_a_word_of_it(text):
    with pytest.raises(NotAnIssuer, match="GOOGLE_WALLET_FILE") as refused:
        read_google_issuer(text, class_id=CLASS_ID)
    assert "PRIVATE" not in str(refused.value)


def test_apples_certificate_says_itself_what_it_is_for():
    issuer = read_apple()
    assert (issuer.pass_type, issuer.team, issuer.organization) == (PASS_TYPE, TEAM, OPERATOR)
    assert issuer.expires_at == VALID[1]
    assert PASSWORD not in repr(issuer)


NO_PASS_TYPE = {NameOID.COMMON_NAME: "somebody", NameOID.ORGANIZATIONAL_UNIT_NAME: TEAM}
NO_TEAM = {NameOID.USER_ID: PASS_TYPE}


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"certificate": b""}, "must be PEM"),
        ({"authority": b"x"}, "must be PEM"),
        ({"key": b"x"}, "APPLE_WALLET_KEY_PASSWORD"),
        ({"key": other_key().encode()}, "APPLE_WALLET_KEY_PASSWORD"),
        ({"key": pem_of(make_key("another"), password=PASSWORD)}, "key of APPLE_WALLET_CERTIFICATE_FILE"),
        ({"authority": certify({NameOID.COMMON_NAME: "other"}, make_key("other"), by="other")}, "AUTHORITY_FILE"),
        ({"authority": certify({NameOID.COMMON_NAME: "authority"}, make_key("other"), by="other")}, "AUTHORITY_FILE"),
        ({"certificate": certify(NO_PASS_TYPE, make_key("apple"))}, "for a pass type"),
        ({"certificate": certify(NO_TEAM, make_key("apple"))}, "for a pass type"),
    ],
)
def test_files_that_make_no_pass_are_refused(changed: dict[str, bytes], fault: str):
    with pytest.raises(NotAnIssuer, match=fault) as refused:
        read_apple(**changed)
    assert PASSWORD not in str(refused.value)


def test_a_wrong_password_is_refused():
    with pytest.raises(NotAnIssuer, match="APPLE_WALLET_KEY_PASSWORD"):
        read_apple(password="another")
    with pytest.raises(NotAnIssuer, match="APPLE_WALLET_KEY_PASSWORD"):
        read_apple(password="")


def test_the_certificates_of_these_tests_are_real_ones():
    made = apple_contents()
    certificate = x509.load_pem_x509_certificate(made["certificate"])
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(made["authority"]))
