"""The arrays that people send. Nothing may be in them twice; the order is kept."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Final, TypeVar

from annotated_types import GroupedMetadata, MaxLen
from pydantic import AfterValidator, Field, Strict, WithJsonSchema

from gateway.api.rest.faults import wrong
from gateway.api.rest.patterns import Documented
from gateway.api.rest.wire import UserAgent

T = TypeVar("T", bound=Hashable)


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse an array that holds a value twice; the order is kept."""
    if len(set(values)) != len(values):
        raise wrong("duplicate", "The same value is there twice.")
    return values


@dataclass(frozen=True)
class Listed(GroupedMetadata):
    """Makes a tuple of an array with at most so many items, all different."""

    length_max: int

    def __iter__(self) -> Iterator[Any]:
        """Yield what pydantic is told."""
        yield Strict(strict=False)  # JSON has arrays, not tuples.
        yield MaxLen(self.length_max)
        yield AfterValidator(distinct)
        yield Documented({"uniqueItems": True})


def _ip(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise wrong("bad_format", "This must be an IPv4 or IPv6 address.") from None
    if getattr(address, "scope_id", None):
        raise wrong("bad_format", "This must be an address without a zone.")
    return str(address)


def _network(text: str) -> str:
    if "/" not in text:
        return _ip(text)
    try:
        return str(ip_network(text))
    except ValueError:
        raise wrong("bad_format", "This must be an address or a network in CIDR form.") from None


_ADDRESSES: Final = ({"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"})
_CIDR: Final = {
    "type": "string",
    "pattern": "^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$",
    "examples": ["10.0.0.0/8"],
}

#: One address, as panels compare the client's; they know no networks here.
Ip = Annotated[
    str, Field(max_length=45), AfterValidator(_ip), WithJsonSchema({"anyOf": [*_ADDRESSES]})
]
Network = Annotated[
    str,
    Field(max_length=49),
    AfterValidator(_network),
    WithJsonSchema({"anyOf": [*_ADDRESSES, _CIDR]}),
]
BouquetId = Annotated[int, Field(ge=1, lt=2**31)]
BouquetIds = Annotated[tuple[BouquetId, ...], Listed(1_000)]
Ips = Annotated[tuple[Ip, ...], Listed(100)]
Networks = Annotated[tuple[Network, ...], Listed(100)]
UserAgents = Annotated[tuple[UserAgent, ...], Listed(50)]
