"""Decisions: five headings each, and References that name what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, name_of

ADRS = sorted((DOCS / "adr").glob("*.md"))
HEADINGS = ["Context", "Decision", "Consequences", "Alternatives", "References"]
#: A path in backticks, with a test's name after two colons where one is named.
PLACE = re.compile(
    r"`(?P<path>[\w./-]+/[\w.-]*|[\w-]+\.(?:toml|py|md)|Makefile)(?:::(?P<name>\w+))?`"
)


@pytest.mark.parametrize("page", ADRS, ids=name_of)
def test_a_decision_has_its_title_and_five_headings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    number = page.name.partition("-")[0]
    assert re.match(rf"# {number}\. \S.*[^.]\n", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("page", ADRS, ids=name_of)
def test_references_name_files_that_exist_and_a_test(page: Path) -> None:
    references = page.read_text(encoding="utf-8").partition("\n## References\n")[2]
    places = list(PLACE.finditer(references))
    paths = [ROOT / match["path"] for match in places]
    assert [str(path) for path in paths if not path.exists()] == []
    for match, path in zip(places, paths, strict=True):
        if match["name"]:
            assert re.search(rf"\b{match['name']}\b", path.read_text(encoding="utf-8")), match[0]
    assert any(
        match["path"].startswith(("gateway", "pyproject", "requirements")) for match in places
    )
    assert any(match["path"].startswith("tests/") for match in places)


def test_numbers_run_without_a_gap() -> None:
    assert [page.name[:4] for page in ADRS] == [f"{n:04}" for n in range(1, len(ADRS) + 1)]
