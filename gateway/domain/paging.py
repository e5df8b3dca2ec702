"""Keyset paging: newest first, by id. A cursor is opaque to callers."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from gateway.domain.errors import Fault, InvalidRequest
from gateway.domain.ids import IdKind, is_id

T = TypeVar("T")

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """The page after id *after* (None: the first), of at most *limit* rows, 1 to 200."""

    limit: int = LIMIT_DEFAULT
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Rows, newest first, and the cursor of the next page; None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


def page_of(rows: list[T], request: PageRequest, *, id_of: str = "id") -> Page[T]:
    """Cut *rows*, fetched with one more than the limit, to a page."""
    shown = tuple(rows[: request.limit])
    more = len(rows) > request.limit
    return Page(items=shown, next_cursor=encode_cursor(getattr(shown[-1], id_of)) if more else None)


def encode_cursor(last_id: str) -> str:
    """Return the cursor of the page after *last_id*."""
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kind: IdKind) -> str:
    """Return the id in a cursor of a list of *kind*.

    Raises:
        InvalidRequest: not a cursor of such a list.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not is_id(kind, text):
        detail = "The cursor is not one that this list gave."
        raise InvalidRequest(detail, faults=(Fault("?cursor", "invalid_cursor", detail),))
    return text
