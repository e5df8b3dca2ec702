"""The examples of a page: its requests in order, and the answers that it shows.

A block is run when the line before it says so:

    <!-- run 201 NAME=member has:Header=part -->    the status; what to keep; headers to find
    <!-- answer -->                                 the last answer has at least this
    <!-- answer whole -->                           and nothing else

Values that differ each time (ids, times, secrets) are held against their form only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.docs.pages import blocks

_ID: Final = re.compile(r"(line|dev|op|rsl|pnl|key|cli|src|tok|aud|evt|whe|dlv|req)_[0-9a-z]+")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
#: Made anew for each line.
_RANDOM: Final = {
    "password": r"[A-Za-z0-9]{16}",
    "username": r"[a-z0-9]{12}",
    "access_token": r"[\w-]+\.[\w-]+\.[\w-]+",
    "secret": r"whsec_[A-Za-z0-9+/]{32}",
    "client_secret": r"xgs_[A-Za-z0-9]{43}",
    "panel_call_digest": r"[\w-]+:[0-9a-f]+…?",
}
#: Seconds since something, which depend on how quick the machine is.
_AGES: Final = frozenset({"age_seconds", "ageSeconds"})
#: A time that is a result, not just the present.
_EXACT: Final = re.compile(r"\d{4}-\d\d-\d\dT00:00:00Z")


@dataclass(slots=True)
class Step:
    """A request, what it must answer, and what the page shows of the answer."""

    line: int
    command: str
    status: int
    keep: dict[str, str] = field(default_factory=dict)
    has: list[tuple[str, str]] = field(default_factory=list)
    answer: Any = None
    is_whole: bool = False


def steps(page: Path) -> Iterator[Step]:
    """Yield the runnable examples of *page*."""
    step: Step | None = None
    for block in blocks(page):
        if block.note.startswith("run "):
            if step is not None:
                yield step
            step = _step(block.note, block.text, block.line)
        elif block.note.startswith("answer"):
            assert step is not None, f"line {block.line}: an answer without a request"
            step.answer, step.is_whole = json.loads(block.text), block.note == "answer whole"
    if step is not None:
        yield step


def _step(note: str, command: str, line: int) -> Step:
    _, status, *words = re.findall(r"[A-Za-z-]+:[\w-]+=.*?(?= [A-Za-z-]+:|$)|\S+", note)
    step = Step(line, command, int(status))
    for word in words:
        name, _, value = word.partition("=")
        if name.startswith("has:"):
            step.has.append((name.removeprefix("has:"), value))
        else:
            step.keep[name] = value
    return step


def difference(shown: Any, real: Any, *, is_whole: bool, path: str = "") -> str | None:
    """Return where *real* is not as *shown*, or None."""
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(shown, dict) and isinstance(real, dict):
        if missing := shown.keys() - real.keys():
            return f"{path}: the answer has no {sorted(missing)}"
        if is_whole and (more := real.keys() - shown.keys()):
            return f"{path}: the page does not show {sorted(more)}"
        pairs = [(f"{path}/{name}", shown[name], real[name]) for name in shown]
    elif isinstance(shown, list) and isinstance(real, list):
        if len(shown) != len(real):
            return f"{path}: {len(real)} items, not {len(shown)}"
        pairs = [(f"{path}/{n}", a, b) for n, (a, b) in enumerate(zip(shown, real, strict=True))]
    elif shown != real and not _has_form_of(shown, real, path.rpartition("/")[2]):
        return f"{path}: {real!r}, not {shown!r}"
    found = (difference(a, b, is_whole=is_whole, path=place) for place, a, b in pairs)
    return next(filter(None, found), None)


def _has_form_of(shown: Any, real: Any, name: str) -> bool:
    if name in _AGES:
        return isinstance(shown, int) and isinstance(real, int)
    if not isinstance(shown, str) or not isinstance(real, str):
        return False
    if name in _RANDOM:
        return all(re.fullmatch(_RANDOM[name], text) for text in (shown, real))
    if id_of := _ID.fullmatch(shown):
        found = _ID.fullmatch(real)
        return found is not None and found[1] == id_of[1]
    is_time = _TIME.fullmatch(shown) and not _EXACT.fullmatch(shown)
    return bool(is_time and _TIME.fullmatch(real))
