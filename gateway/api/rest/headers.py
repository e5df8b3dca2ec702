"""Request headers that change what a route does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.domain.errors import Fault, NotAcceptable

Headers = Mapping[bytes, list[bytes]]

_STRONG_TAG: Final = re.compile(rb'"([\x21\x23-\x7e\x80-\xff]*)"')
_WEAK_TAG: Final = re.compile(rb'W/"[\x21\x23-\x7e\x80-\xff]*"')
_VERSION: Final = re.compile(rb"[1-9][0-9]{0,17}")
_KEY: Final = re.compile(rb"[\x20-\x7e]{1,255}")
_QUALITY: Final = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)", re.IGNORECASE | re.ASCII)

#: A version that no record has: what a tag that we never gave can match.
NO_VERSION: Final = -1


def if_version(headers: Headers, faults: list[Fault]) -> int | None:
    """Return the version that If-Match names; None for none and for `*`.

    A well-formed tag that we never gave, weak ones too (RFC 9110 compares strongly), matches
    nothing: `NO_VERSION`. A fault is appended for anything else.
    """
    given = headers.get(b"if-match")
    if given is None or given == [b"*"]:
        return None
    tag = given[0].strip()
    if len(given) == 1 and (match := _STRONG_TAG.fullmatch(tag)):
        return int(match[1]) if _VERSION.fullmatch(match[1]) else NO_VERSION
    if len(given) == 1 and _WEAK_TAG.fullmatch(tag):
        return NO_VERSION
    faults.append(Fault("If-Match", "bad_format", 'Send one ETag, such as "3" in its quotes.'))
    return None


def idempotency_key(headers: Headers, faults: list[Fault]) -> str | None:
    """Return the Idempotency-Key; a fault is appended unless it is 1-255 printable ASCII."""
    given = headers.get(b"idempotency-key")
    if given is None:
        return None
    if len(given) == 1 and _KEY.fullmatch(given[0]):
        return given[0].decode("ascii")
    detail = "Send one key of 1 to 255 printable ASCII characters."
    faults.append(Fault("Idempotency-Key", "bad_format", detail))
    return None


def wants_fresh(headers: Headers) -> bool:
    """Tell whether the caller refuses cached values: Cache-Control: no-cache."""
    given = headers.get(b"cache-control")
    return given is not None and any(
        directive.strip().lower() == b"no-cache" for directive in b",".join(given).split(b",")
    )


def check_acceptable(headers: Headers) -> None:
    """Check that the caller accepts JSON.

    Raises:
        NotAcceptable: Accept leaves JSON out.
    """
    given = headers.get(b"accept")
    if given is None or given in ([b"*/*"], [b"application/json"]):
        return
    best = (-1, 0.0)
    for item in b",".join(given).decode("latin-1").lower().split(","):
        media_range, *parameters = (part.strip() for part in item.split(";"))
        if media_range in _RANGES:
            best = max(best, (_RANGES.index(media_range), quality_of(parameters)))
    if best[1] <= 0 and any(item.strip() for item in given):
        raise NotAcceptable("This route answers application/json.")


#: What matches JSON; the later one is more specific and decides (RFC 9110 section 12.5.1).
_RANGES: Final = ("*/*", "application/*", "application/json")


def quality_of(parameters: Iterable[str]) -> float:
    """Return the `q` among the parameters of a media range; 1.0 where there is none."""
    for parameter in parameters:
        if match := _QUALITY.fullmatch(parameter):
            return float(match[1])
    return 1.0
