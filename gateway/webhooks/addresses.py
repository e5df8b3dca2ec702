"""Which IP addresses are public: what is not known to be is not.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries. They are written out, for
`ipaddress.is_global` differs between the Pythons that we serve; it is asked as well.
"""

from __future__ import annotations

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_V4_REFUSED: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # This network; Linux connects 0.0.0.0 to itself.
        "10.0.0.0/8",
        "100.64.0.0/10",  # Carrier-grade NAT; a cloud's metadata lives there as well.
        "127.0.0.0/8",
        "168.63.129.16/32",  # Public by number, and the host that an Azure machine runs on.
        "169.254.0.0/16",  # Link-local; most clouds' metadata.
        "172.16.0.0/12",
        "192.0.0.0/24",  # Protocols; one cloud's metadata.
        "192.0.2.0/24",  # Documentation.
        "192.31.196.0/24",  # AS112: sinks.
        "192.52.193.0/24",  # Multicast tunnels.
        "192.88.99.0/24",  # Relays to IPv6, withdrawn.
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112 again.
        "198.18.0.0/15",  # Benchmarks.
        "198.51.100.0/24",  # Documentation.
        "203.0.113.0/24",  # Documentation.
        "224.0.0.0/4",  # Multicast.
        "240.0.0.0/4",  # Reserved, and broadcast.
    )
)
#: The only part of IPv6 that is given out. Outside of it: loopback, unspecified, link-local and
#: site-local, unique local, multicast, mapped and compatible IPv4, local NAT64, discard.
_V6_GIVEN_OUT: Final = ipaddress.IPv6Network("2000::/3")
_V6_REFUSED: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Protocols: Teredo, benchmarks, hashes, AS112.
        "2001:db8::/32",  # Documentation.
        "2002::/16",  # 6to4: an IPv4 address is inside, and a relay would go there.
        "2620:4f:8000::/48",  # AS112.
        "3ffe::/16",  # Withdrawn.
        "3fff::/20",  # Documentation.
    )
)
#: NAT64: a network without IPv4 reaches all of it through these. What counts is who is inside.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
#: The third part of an ISATAP address, whose last part is an IPv4 address.
_ISATAP: Final = frozenset({b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe"})


def is_public(address: Address) -> bool:
    """Tell whether *address* may be connected to on behalf of a customer."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in net for net in _V4_REFUSED)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(address.packed[12:]))
    return (
        address in _V6_GIVEN_OUT
        and address.is_global
        and address.packed[8:12] not in _ISATAP
        and not any(address in net for net in _V6_REFUSED)
    )
