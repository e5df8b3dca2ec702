"""What a cache counts. Callers get nothing of it; the composition root hands it to the metrics."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias


class CacheEvent(StrEnum):
    """Something that an operator may want to see as a number."""

    FAILED = "failed"  # A connection broke, hung or was refused.
    BYPASSED = "bypassed"  # A call went without the cache.
    FORGED = "forged"  # A value did not open: broken, forged, swapped, or its key is gone.
    RAISE_QUEUED = "raise_queued"
    RAISE_LANDED = "raise_landed"  # One that had been queued.
    RAISE_DROPPED = "raise_dropped"  # Given up: the queue was full.


CountEvent: TypeAlias = Callable[[CacheEvent], None]


def count_nothing(_event: CacheEvent) -> None:
    """Count nothing."""
