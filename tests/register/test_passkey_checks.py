"""Passkeys are checked once, of a verified user, at one address, and every other answer is refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.ceremonies import Party, PasskeyRefused, creation_options, party_at, request_options
from app.register.sign_in.passkeys import (
    CeremonyOver,
    PasskeyCopied,
    check_new_passkey,
    check_passkey,
    forget_passkeys,
    note_passkey,
)
from app.register.store.transaction import writing
from tests.authenticator import PRESENT, VERIFIED, Authenticator
from tests.register.passkeys import ADDRESS, PARTY, add, change, draw_challenge, kinds, sign, take
from tests.register.people import CHILD, GUARDIAN, patron_id


def test_one_removed_between_the_check_and_the_sign_in_is_refused(clock):
    phone, challenge = Authenticator(), draw_challenge()
    add(phone, now=clock())
    answer = phone.sign(request_options(PARTY, challenge=challenge))
    checked = check_passkey(answer=answer, challenge=challenge, party=PARTY, address=ADDRESS, now=clock())
    with writing():
        forget_passkeys(patron_id=patron_id(GUARDIAN))

    with pytest.raises(PasskeyRefused), writing():
        note_passkey(checked, now=clock())


def test_a_challenge_counts_once(clock):
    phone, challenge = Authenticator(), draw_challenge()
    add(phone, now=clock())
    answer = phone.sign(request_options(PARTY, challenge=challenge))
    take(answer, challenge, now=clock())

    with pytest.raises(CeremonyOver):
        take(answer, challenge, now=clock())


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://card.example.org.evil.example"},
        {"origin": "http://card.example.org"},
        {"type": "webauthn.create"},
        {"challenge": draw_challenge()},
    ],
    ids=["another address", "without TLS", "another ceremony", "another challenge"],
)
def test_what_was_signed_for_something_else_is_refused(clock, said):
    phone = Authenticator()
    add(phone, now=clock())

    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock(), **said)


def test_a_passkey_of_another_domain_is_refused(clock):
    phone = Authenticator()
    add(phone, now=clock())
    phone.passkeys[0].rp_id = "example.org"

    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock(), passkey=phone.passkeys[0])


@pytest.mark.parametrize("flags", [PRESENT, VERIFIED, 0], ids=["not verified", "not present", "neither"])
def test_a_user_who_was_not_verified_is_refused(clock, flags):
    phone = Authenticator()
    add(phone, now=clock())

    with pytest.raises(PasskeyRefused):
        sign(replace(phone, flags=flags), now=clock())
    with pytest.raises(PasskeyRefused):
        add(Authenticator(flags=flags), now=clock())


def test_another_key_and_another_users_handle_are_refused(clock):
    phone, stranger, challenge = Authenticator(), Authenticator(), draw_challenge()
    add(phone, now=clock())
    add(stranger, CHILD, now=clock())
    mine, theirs = phone.passkeys[0], stranger.passkeys[0]

    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock(), passkey=replace(mine, key=theirs.key))
    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock(), passkey=replace(mine, user_handle=theirs.user_handle))
    answer = phone.sign(request_options(PARTY, challenge=challenge))
    with pytest.raises(PasskeyRefused):
        take(change(answer, userHandle=None), challenge, now=clock())
    challenge = draw_challenge()
    answer = phone.sign(request_options(PARTY, challenge=challenge))
    # Asked for a passkey by its id, a browser may leave the handle out.
    assert take(change(answer, userHandle=None), challenge, now=clock(), owner=GUARDIAN) == patron_id(GUARDIAN)


def test_a_count_that_goes_back_is_refused_and_told_once_a_day(clock):
    phone = Authenticator(counts=True)
    add(phone, now=clock())
    copy = replace(phone.passkeys[0])
    for _ in range(3):
        sign(phone, now=clock())

    for _ in range(2):
        with pytest.raises(PasskeyCopied):
            sign(phone, now=clock(), passkey=copy)
    assert kinds() == ["passkey-added", "passkey-copied"]
    assert sign(phone, now=clock()) == patron_id(GUARDIAN)


def test_of_two_sign_ins_with_one_count_one_is_refused(clock):
    phone, challenge = Authenticator(counts=True), draw_challenge()
    add(phone, now=clock())
    answer = phone.sign(request_options(PARTY, challenge=challenge))
    checked = check_passkey(answer=answer, challenge=challenge, party=PARTY, address=ADDRESS, now=clock())
    sign(phone, now=clock())

    with pytest.raises(PasskeyRefused), writing():
        note_passkey(checked, now=clock())


def test_wrong_answers_use_up_the_tries_of_their_address_and_right_ones_do_not(clock):
    phone = Authenticator()
    add(phone, now=clock())
    for _ in range(5):
        sign(phone, now=clock())
    for _ in range(60):
        with pytest.raises(PasskeyRefused):
            take("{}", draw_challenge(), now=clock())

    # One more a day is had for every five cards that signed in there: here for none.
    with pytest.raises(TooManyAttempts):
        sign(phone, now=clock())
    clock.turn(seconds=15 * 60)
    assert sign(phone, now=clock()) == patron_id(GUARDIAN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("AAAA"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject", "transports")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.text(max_size=40) | JSON.map(json.dumps), part=st.sampled_from(NAMES), value=JSON)
def test_whatever_is_sent_is_refused_in_one_way(clock, answer, part, value):
    phone, challenge = Authenticator(), draw_challenge()
    options = creation_options(PARTY, handle=draw_challenge(), name="Kari", known=[], challenge=challenge)
    clock.turn(seconds=15 * 60)
    place = {"party": PARTY, "address": ADDRESS, "now": clock()}
    for sent in (answer, change(phone.create(options), **{part: value})):
        with pytest.raises(PasskeyRefused):
            check_passkey(answer=sent, challenge=draw_challenge(), **place)
    with pytest.raises(PasskeyRefused):
        check_new_passkey(answer=answer, challenge=draw_challenge(), **place)


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("https://card.example.org", PARTY),
        ("https://Card.Example.org:443", PARTY),
        ("http://localhost:8000", Party("localhost", "http://localhost:8000")),
        ("https://lånekort.example", Party("xn--lnekort-exa.example", "https://xn--lnekort-exa.example")),
        ("https://192.0.2.7:8000", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_passkeys_are_bound_to_the_domain_of_the_portals_address(address, party):
    assert party_at(address) == party
