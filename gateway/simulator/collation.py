"""How the database compares text: without case, accents and trailing blanks."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from gateway.simulator.coercion import fits_charset

LONGEST_KEPT = 255


def sort_key(text: str) -> str:
    """Return what two texts share when the database calls them equal."""
    return _kept_key(text) if len(text) <= LONGEST_KEPT else _key(text)


def _key(text: str) -> str:
    if text.isascii():
        return text.lower().rstrip(" ")
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(char for char in plain if not unicodedata.combining(char))
    return kept.casefold().rstrip(" ")


_kept_key = lru_cache(maxsize=65536)(_key)


def search_key(text: str) -> str | None:
    """Return the key to look a caller's text up by; None matches no row.

    A text with characters that cannot be stored equals nothing stored, not even the row that it
    was stored as.
    """
    return sort_key(text) if fits_charset(text) else None
