"""What was said of a document the last time, so that it is parsed and validated once.

Anybody can send any number of different texts; the cache therefore has a size in bytes, and
refusals have one of their own, so that they push no good document out.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class SizedCache(Generic[K, V]):
    """Keeps what was used last, up to *bytes_max* as its users weigh it."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """Return what is kept under *key*, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep *value*, of *size* bytes, unless it alone is too large."""
        self.bytes -= self._entries.pop(key, (value, 0))[1]
        if size > self.bytes_max:
            return
        self._entries[key] = value, size
        self.bytes += size
        while self.bytes > self.bytes_max:
            _, (_, freed) = self._entries.popitem(last=False)
            self.bytes -= freed
