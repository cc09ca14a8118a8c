"""The source of tries: an IPv4 address, or the /64 of an IPv6 address with the /48 around it.

A household or a phone has a /64 at least, and changes its address within it at will; a site has a /48 at most, which
is 65,536 of those (RFC 6177, RFC 8981).
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_BRACKETED = re.compile(r"\[([^\]]*)\](?::[0-9]*)?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]*")
# The last 32 bits are an IPv4 address: the well-known prefix of NAT64 (RFC 6052) and that of SIIT (RFC 7915).
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("::ffff:0:0:0/96"))
_UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Source:
    """`near` is the IPv4 address or the /64; `wide` is the /48, and for IPv4 the same as `near`."""

    near: str
    wide: str


def source_of(address: str) -> Source:
    """Return the source that a network address belongs to, in any notation.

    A port, brackets and a zone (RFC 4007) are ignored. An IPv4 address inside an IPv6 one (mapped, 6to4 of RFC 3056,
    Teredo of RFC 4380, NAT64) counts as that IPv4 address. All texts that are no address are one source together.
    """
    text = address.strip().strip('"').strip()
    wrapped = _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    text = (wrapped.group(1) if wrapped else text).partition("%")[0]
    try:
        parsed = ip_address(text)
    except ValueError:
        return Source(_UNREADABLE, _UNREADABLE)
    inner = _embedded(parsed) if isinstance(parsed, IPv6Address) else parsed
    if inner is not None:
        return Source(str(inner), str(inner))
    return Source(*(str(IPv6Network((int(parsed), length), strict=False)) for length in (64, 48)))


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
