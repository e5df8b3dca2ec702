"""Our own structures as JSON, for sealed columns and the cache. Not for anybody outside.

msgspec reads and writes the domain's dataclasses as they are, secrets included: whatever this
module returns must be sealed before it is stored.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def pack(value: object) -> bytes:
    """Return *value* as JSON bytes; fields that are UNCHANGED are left out."""
    return msgspec.json.encode(value)


def unpack(data: bytes, into: type[T]) -> T:
    """Return the *into* that `pack` wrote.

    Raises:
        msgspec.ValidationError: the bytes are of another structure.
    """
    return msgspec.json.decode(data, type=into)
