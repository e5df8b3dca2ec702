"""The request header Prefer (RFC 7240): how long a caller waits for a change of a panel.

Preferences are wishes: what is unknown or malformed is ignored, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

WAIT_SECONDS_MAX: Final = 60
#: A longer header is ignored whole.
LENGTH_MAX: Final = 1_000

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
#: One preference with its value; its parameters, which none of ours has, are skipped.
_PREFERENCE: Final = re.compile(
    rf'[ \t]*({_WORD})(?:[ \t]*=[ \t]*({_WORD}|{_QUOTED}))?[ \t]*(?:;(?:[^",]|{_QUOTED})*)?'
)
_SEPARATE: Final = re.compile(rf'(?:[^",]|{_QUOTED}|")+')
_SECONDS: Final = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a caller prefers, of what we know. `wait` in seconds, 0 to 60."""

    wait: int | None = None
    respond_async: bool = False

    @property
    def wait_seconds(self) -> float | None:
        """Return how long to wait; None: no wish."""
        return 0 if self.wait is None and self.respond_async else self.wait

    def applied(self, status: int) -> str:
        """Return the value of Preference-Applied for an answer of *status*; empty: none."""
        found = ["respond-async"] if self.respond_async and status == 202 else []
        found += [] if self.wait is None else [f"wait={self.wait}"]
        return ", ".join(found)


NO_PREFERENCES: Final = Preferences()


def preferences_of(headers: Mapping[bytes, list[bytes]]) -> Preferences:
    """Return what the Prefer headers ask for; of one preference given twice the first counts."""
    given = b",".join(headers.get(b"prefer", ()))
    if not given or len(given) > LENGTH_MAX:
        return NO_PREFERENCES
    found: dict[str, str] = {}
    for name, value in _pairs(given.decode("latin-1")):
        found.setdefault(name.lower(), value)
    return Preferences(
        wait=_seconds(found.get("wait", "")), respond_async=found.get("respond-async") == ""
    )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in _SEPARATE.findall(text):
        match = _PREFERENCE.fullmatch(part)
        if match is not None:
            yield match[1], (match[2] or "").strip('"')


def _seconds(text: str) -> int | None:
    if _SECONDS.fullmatch(text) is None:
        return None
    return WAIT_SECONDS_MAX if len(text.lstrip("0")) > 3 else min(int(text), WAIT_SECONDS_MAX)
