"""Whether an address is on a list of addresses and networks."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

#: In `::ffff:0:0/96` the last 32 bits are an IPv4 address.
MAPPED_PREFIX_BITS: Final = 96


def is_allowed(ip: str | None, allowed: tuple[str, ...]) -> bool:
    """Tell whether *ip* is one of *allowed*, or in one of its networks.

    An IPv4 address equals its IPv4-mapped IPv6 form. An empty list allows any address, even an
    unknown one; else what cannot be read, on either side, is not allowed.
    """
    if not allowed:
        return True
    try:
        address = _unmapped(ip_address(ip or ""))
    except ValueError:
        return False
    return any(address in network for text in allowed if (network := _network(text)) is not None)


@lru_cache(maxsize=4_096)
def _network(text: str) -> Network | None:
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.prefixlen >= MAPPED_PREFIX_BITS:
        first = _unmapped(network.network_address)
        if isinstance(first, IPv4Address):
            return IPv4Network((first, network.prefixlen - MAPPED_PREFIX_BITS))
    return network


def _unmapped(address: Address) -> Address:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
