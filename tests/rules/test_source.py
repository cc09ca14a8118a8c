"""However an address is spelt, and whatever it carries, it is one source."""

import pytest

from app.rules.pins.source import Source, source_of

HOME = Source("203.0.113.7", "203.0.113.7")
SITE = Source("2001:db8:1:2::/64", "2001:db8:1::/48")
NONSENSE = source_of("")


@pytest.mark.parametrize(
    "spelt",
    [
        "203.0.113.7",
        " 203.0.113.7 ",
        "203.0.113.7:51234",
        "[203.0.113.7]:51234",
        "::ffff:203.0.113.7",
        "::FFFF:CB00:7107",
        "0:0:0:0:0:ffff:cb00:7107",
        "[::ffff:203.0.113.7]:443",
        "::ffff:0:203.0.113.7",
        "64:ff9b::203.0.113.7",
        "2002:cb00:7107::1",
        "2002:cb00:7107:ffff:1:2:3:4",
        "2001:0:c000:201:0:1234:34ff:8ef8",
    ],
)
def test_an_ipv4_address_is_one_source_however_it_is_spelt_or_carried(spelt):
    assert source_of(spelt) == HOME


@pytest.mark.parametrize(
    "spelt",
    [
        "2001:db8:1:2::1",
        "2001:DB8:1:2:ffff:ffff:ffff:ffff",
        "2001:0db8:0001:0002:0000:0000:0000:0001",
        "[2001:db8:1:2::1]",
        "[2001:db8:1:2::1]:51234",
        "2001:db8:1:2::1%eth0",
        '"[2001:db8:1:2::1]:51234"',
    ],
)
def test_an_ipv6_address_is_its_64_and_the_48_around_it(spelt):
    assert source_of(spelt) == SITE


def test_another_64_of_the_same_48_is_near_another_and_wide_the_same():
    neighbour = source_of("2001:db8:1:3::1")
    assert neighbour.near != SITE.near
    assert neighbour.wide == SITE.wide
    assert source_of("2001:db8:2:2::1").wide != SITE.wide


def test_a_zone_tells_no_two_sources_apart():
    assert source_of("fe80::1%eth0") == source_of("fe80::2%wlan0")


@pytest.mark.parametrize(
    "garbage",
    [
        "unix:",
        "localhost",
        "203.0.113",
        "203.0.113.7.8",
        "0203.0.113.7",
        "1234567890",
        "[",
        "[]:1",
        "::ffff:1.2.3.4.5",
        "\x00",
        "N000100001",
    ],
)
def test_what_is_no_address_is_all_one_source(garbage):
    assert source_of(garbage) == NONSENSE
