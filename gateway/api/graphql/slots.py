"""How many things may be open at once: of all callers, and of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.domain.caller import Caller
from gateway.domain.errors import ServiceUnavailable

RETRY_AFTER_SECONDS: Final = 30


class Slots:
    """Counts what is open in this process. All keys of an operator are one caller."""

    def __init__(self, *, all_max: int, per_caller_max: int) -> None:
        self._all_max = all_max
        self._per_caller_max = per_caller_max
        self._taken: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def taken(self, caller: Caller) -> Iterator[None]:
        """Hold one slot within the block.

        Raises:
            ServiceUnavailable: there is none left.
        """
        owner = (caller.kind.value, caller.id)
        if self._taken[owner] >= self._per_caller_max or self._taken.total() >= self._all_max:
            raise ServiceUnavailable(
                "Too many streams are open; end one, or try again later.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
