"""All pages of a list, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.domain.ids import IdKind
from gateway.domain.paging import LIMIT_MAX, Page, PageRequest, decode_cursor

T = TypeVar("T")


async def every(kind: IdKind, fetch: Callable[[PageRequest], Awaitable[Page[T]]]) -> list[T]:
    """Return all rows that *fetch* pages through."""
    rows: list[T] = []
    after: str | None = None
    while True:
        page = await fetch(PageRequest(limit=LIMIT_MAX, after=after))
        rows += page.items
        if page.next_cursor is None:
            return rows
        after = decode_cursor(page.next_cursor, kind)
