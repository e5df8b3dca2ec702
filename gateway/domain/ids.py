"""Ids: opaque, prefixed and time-ordered.

An id is a prefix, an underscore and 26 characters of base32: 48 bits of Unix milliseconds, then
80 random bits. Ids made later sort later, which is what keyset paging relies on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NewType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

LineId = NewType("LineId", str)
DeviceId = NewType("DeviceId", str)
ResellerId = NewType("ResellerId", str)
PanelId = NewType("PanelId", str)
KeyId = NewType("KeyId", str)
OperationId = NewType("OperationId", str)
AuditEntryId = NewType("AuditEntryId", str)
DriftId = NewType("DriftId", str)
ClientId = NewType("ClientId", str)
TokenId = NewType("TokenId", str)
EventId = NewType("EventId", str)
SourceId = NewType("SourceId", str)
InboundEventId = NewType("InboundEventId", str)
EndpointId = NewType("EndpointId", str)
DeliveryId = NewType("DeliveryId", str)
AttemptId = NewType("AttemptId", str)


#: Crockford's alphabet in lower case: no i, l, o, u, so ids survive being read aloud.
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
BODY_LENGTH: Final = 26


class IdKind(StrEnum):
    """What an id names; the value is its prefix."""

    LINE = "line"
    DEVICE = "dev"
    RESELLER = "rsl"
    PANEL = "pnl"
    KEY = "key"
    OPERATION = "op"
    AUDIT_ENTRY = "aud"
    DRIFT = "drf"
    KEPT_ANSWER = "idk"
    DOCUMENT = "doc"
    CLIENT = "cli"
    TOKEN = "tok"  # noqa: S105 - a prefix
    EVENT = "evt"
    SOURCE = "src"
    INBOUND_EVENT = "inb"
    ENDPOINT = "whe"
    DELIVERY = "dlv"
    ATTEMPT = "att"


def new_id(kind: IdKind, at: datetime, random_bytes: Callable[[int], bytes]) -> str:
    """Return a fresh id of *kind*; *at* is aware UTC and gives the sort order."""
    milliseconds = int(at.timestamp() * 1000) & (2**48 - 1)
    number = (milliseconds << 80) | int.from_bytes(random_bytes(10), "big")
    body = "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
    return f"{kind}_{body}"


def is_id(kind: IdKind, text: str) -> bool:
    """Tell whether *text* has the shape of an id of *kind*; says nothing about existence."""
    prefix, _, body = text.partition("_")
    return prefix == kind and len(body) == BODY_LENGTH and all(c in ALPHABET for c in body)


def kind_of(text: object) -> IdKind | None:
    """Return the kind of id that *text* looks like, or None."""
    if not isinstance(text, str):
        return None
    return next((kind for kind in IdKind if is_id(kind, text)), None)
