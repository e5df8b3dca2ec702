"""The written pages, and the small parts of Markdown that the tests read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"

_FENCE: Final = re.compile(r"^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_NOTE: Final = re.compile(r"<!-- (?P<note>[^>]*) -->\n\Z")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, and the HTML comment on the line before it (empty without one)."""

    language: str
    text: str
    note: str
    line: int


def pages() -> list[Path]:
    """Return every page that we write, in the root and below `docs/` and `examples/`."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def name_of(page: Path) -> str:
    """Return a page's path from the root, for test ids and messages."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of *page* in order."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        before = text[: match.start()]
        note = _NOTE.search(before)
        yield Block(
            match["language"], match["text"], note["note"] if note else "", before.count("\n") + 1
        )


def prose(page: Path) -> str:
    """Return the text of *page* without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of *page*, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
