"""What is kept under keys that are not in the database: tokens, sealed secrets, PINs."""

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passlib.hash import argon2

from app.register.keys.vault import SecretNotOpened, Vault, hash_of_random_token, hash_password, verify_password

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SECRET = b"a key of twenty byte"


@pytest.fixture(autouse=True)
def in_the_register() -> None:
    """A vault needs no register, so these tests run once and not once an engine."""


@pytest.fixture(scope="module")
def old() -> Vault:
    return Vault({1: OLD})


@pytest.fixture(scope="module")
def rotated() -> Vault:
    return Vault({1: OLD, 2: NEW})


def derive(key: bytes, purpose: str) -> bytes:
    """HKDF of RFC 5869, written a second time: extract with an empty salt, expand to one block."""
    extracted = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(extracted, f"lanekort {purpose}".encode() + b"\x01", "sha256")


def test_a_token_is_the_same_each_time_and_another_for_each_purpose_text_and_key(old):
    def token(vault, purpose, text):
        return vault.token(purpose=purpose, text=text)

    first = token(old, "national id", "NO:01831050027")
    assert first == token(Vault({1: OLD}), "national id", "NO:01831050027")
    others = {
        token(old, "machine", "NO:01831050027"),
        token(old, "national id", "NO:01831050028"),
        token(Vault({1: NEW}), "national id", "NO:01831050027"),
    }
    assert len(others | {first}) == 4
    assert all(len(one) == 64 and set(one) <= set("0123456789abcdef") for one in others | {first})


def test_a_token_is_a_keyed_hash_that_anybody_with_the_key_can_check(old):
    expected = hmac.digest(derive(OLD, "token"), b"national id:NO:01831050027", "sha256").hex()
    assert old.token(purpose="national id", text="NO:01831050027") == expected


def test_a_rotation_chains_the_new_key_to_the_old_tokens_and_needs_no_number(old, rotated):
    kept = old.token(purpose="national id", text="NO:01831050027")
    chained = hmac.digest(derive(NEW, "token"), bytes.fromhex(kept), "sha256").hex()
    assert rotated.token(purpose="national id", text="NO:01831050027") == chained


@settings(max_examples=25)
@given(secret=st.binary(max_size=100), column=st.text(max_size=20))
def test_a_sealed_secret_opens_for_its_column(secret, column):
    vault = _SHARED
    assert vault.open(vault.seal(secret, column=column), column=column) == secret


_SHARED = Vault({1: OLD})


def test_a_sealed_secret_opens_for_no_other_column(old):
    sealed = old.seal(SECRET, column="credentials.sealed_key")
    with pytest.raises(SecretNotOpened):
        old.open(sealed, column="staff.sealed_totp_key")


def test_no_byte_of_a_sealed_secret_can_be_altered(rotated):
    sealed = rotated.seal(SECRET, column="credentials.sealed_key")
    for place in range(len(sealed)):
        for flip in (1, 3, 128):
            altered = sealed[:place] + bytes([sealed[place] ^ flip]) + sealed[place + 1 :]
            with pytest.raises(SecretNotOpened):
                rotated.open(altered, column="credentials.sealed_key")


def test_no_part_of_a_sealed_secret_opens(old):
    sealed = old.seal(SECRET, column="credentials.sealed_key")
    for length in range(len(sealed)):
        with pytest.raises(SecretNotOpened):
            old.open(sealed[:length], column="credentials.sealed_key")


def test_the_same_secret_is_sealed_differently_each_time(old):
    assert old.seal(SECRET, column="a") != old.seal(SECRET, column="a")


def test_old_secrets_open_after_a_rotation_and_new_ones_need_the_new_key(old, rotated):
    assert rotated.open(old.seal(SECRET, column="a"), column="a") == SECRET
    with pytest.raises(SecretNotOpened):
        old.open(rotated.seal(SECRET, column="a"), column="a")


def test_a_pin_is_right_or_wrong(old):
    verifier = old.hash_pin("4719")
    assert old.verify_pin("4719", verifier, 1)
    assert not old.verify_pin("4718", verifier, 1)
    assert not old.verify_pin("", verifier, 1)


def test_a_pin_without_a_verifier_or_its_key_is_wrong(old):
    assert not old.verify_pin("4719", None, None)
    assert not old.verify_pin("4719", old.hash_pin("4719"), 9)


def test_a_pin_set_under_the_old_key_is_right_after_a_rotation(old, rotated):
    assert rotated.verify_pin("4719", old.hash_pin("4719"), 1)
    assert rotated.verify_pin("4719", rotated.hash_pin("4719"), 2)
    assert not rotated.verify_pin("4719", rotated.hash_pin("4719"), 1)


def test_a_pin_cannot_be_guessed_from_its_verifier_without_the_key(old):
    verifier = old.hash_pin("4719")
    assert not argon2.verify("4719", verifier)
    assert not Vault({1: NEW}).verify_pin("4719", verifier, 1)


def test_a_verifier_costs_what_it_must(true_argon2):
    for verifier in (Vault({1: OLD}).hash_pin("4719"), hash_password("demo-desk-ullensaker")):
        assert verifier.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_password_is_right_or_wrong_and_an_unknown_users_is_wrong():
    verifier = hash_password("demo-desk-ullensaker")
    assert verify_password("demo-desk-ullensaker", verifier)
    assert not verify_password("demo-desk-mullsjo", verifier)
    assert not verify_password("demo-desk-ullensaker", None)


def test_a_random_tokens_hash_is_plain_sha_256():
    # The first vector of FIPS 180-2.
    assert hash_of_random_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
