"""Every link leads somewhere; nothing that is only ours is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, name_of, pages, prose

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
#: A path of somebody's machine, or a word of how the text came about.
PRIVATE = re.compile(r"/work/|/root/|/home/\w|/tmp/|shared/", re.IGNORECASE)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_each_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for match in LINK.finditer(prose(page)):
        target = match["target"]
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), target
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or not file.is_relative_to(ROOT):
            broken.append(f"{target}: no such file")
        elif anchor and anchor not in anchors(file):
            broken.append(f"{target}: no such heading")
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_no_page_names_a_place_that_readers_do_not_have(page: Path) -> None:
    assert PRIVATE.findall(page.read_text(encoding="utf-8")) == []


def test_every_guide_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached = {
        (index.parent / match["target"].partition("#")[0]).resolve()
        for match in LINK.finditer(prose(index))
    }
    guides = [name_of(page) for page in pages() if page.parent.name == "docs" and page != index]
    examples = [name_of(page) for page in pages() if page.is_relative_to(ROOT / "examples")]
    assert [name for name in guides + examples if ROOT / name not in reached] == []
