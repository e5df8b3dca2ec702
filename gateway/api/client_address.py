"""Who is at the other end, when proxies of ours stand between.

A proxy's word counts only if the connection comes from a trusted one. Then the client is the
right-most address that is not a trusted proxy: what stands left of it was written by the client or
by somebody unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

_FOR: Final = re.compile(rb"""(?:^|[;,\s])for\s*=\s*("[^"]*"|[^;,\s"]+)""", re.IGNORECASE)


def client_address(
    peer: str | None, headers: Mapping[bytes, list[bytes]], trusted: Networks
) -> str | None:
    """Return the client's address in its shortest form, or None when there is none.

    Where both `X-Forwarded-For` and `Forwarded` are there and disagree, one of them was not written
    by our proxy; we cannot know which, and the proxy itself is taken for the client.
    """
    address = _address(peer or "")
    if address is None:
        return None
    if not trusted or not _is_trusted(address, trusted):
        return str(address)
    told = [
        _right_most(address, hops, trusted)
        for hops in (_x_forwarded_for(headers), _forwarded(headers))
        if hops
    ]
    return str(told[0] if len(set(told)) == 1 else address)


def _right_most(peer: Address, hops: list[str], trusted: Networks) -> Address:
    """Walk from the proxy that connected towards the client, as long as proxies are ours."""
    client = peer
    for hop in reversed(hops):
        address = _address(hop)
        if address is None:  # `unknown` or a hidden name: the last known one has to do.
            return client
        client = address
        if not _is_trusted(address, trusted):
            return client
    return client


def _x_forwarded_for(headers: Mapping[bytes, list[bytes]]) -> list[str]:
    joined = b",".join(headers.get(b"x-forwarded-for", ()))
    return [part.strip() for part in joined.decode("latin-1").split(",")] if joined else []


def _forwarded(headers: Mapping[bytes, list[bytes]]) -> list[str]:
    joined = b",".join(headers.get(b"forwarded", ()))
    return [match.decode("latin-1").strip('"') for match in _FOR.findall(joined)]


@lru_cache(maxsize=4_096)
def _address(text: str) -> Address | None:
    """Read an address, with or without a port; mapped IPv4 comes out as IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _is_trusted(address: Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)
