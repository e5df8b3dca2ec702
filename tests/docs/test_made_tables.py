"""What the pages say of the code is made from the code; `GOLDEN=write` makes it again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.docs.pages import name_of, pages
from tests.docs.tables import MADE

PART = re.compile(r"(<!-- made: (?P<name>[a-z ]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)
PARTS = [(page, match["name"]) for page in pages() for match in PART.finditer(page.read_text())]


@pytest.mark.parametrize(
    ("page", "name"), PARTS, ids=[f"{name_of(page)}: {name}" for page, name in PARTS]
)
def test_a_table_is_what_the_code_has(page: Path, name: str) -> None:
    text = page.read_text(encoding="utf-8")
    made = MADE[name]()

    def remade(match: re.Match[str]) -> str:
        return f"{match[1]}{made if match['name'] == name else match['text']}{match[4]}"

    fresh = PART.sub(remade, text)
    if os.environ.get("GOLDEN"):
        page.write_text(fresh, encoding="utf-8")
        return
    assert text == fresh, f"{name_of(page)} is old; run: make golden K=docs"


def test_each_table_stands_on_exactly_one_page() -> None:
    assert sorted(name for _, name in PARTS) == sorted(MADE)
