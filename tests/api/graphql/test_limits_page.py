"""The guide names every limit with its default."""

from __future__ import annotations

import re
from dataclasses import fields

from gateway.api.graphql.limits import DocumentLimits
from gateway.api.graphql.prices import ITEMS_DEFAULT, SCHEMA_POINTS, TYPE_POINTS
from gateway.domain.paging import LIMIT_DEFAULT
from tests.docs.pages import DOCS

PAGE = (DOCS / "graphql-limits.md").read_text(encoding="utf-8")


def test_the_table_has_every_limit_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", PAGE, re.MULTILINE)
    defaults = DocumentLimits()
    assert {name: int(number.replace(",", "")) for name, number in rows} == {
        field.name: getattr(defaults, field.name) for field in fields(defaults)
    }


def test_the_numbers_of_a_cost_are_named() -> None:
    numbers = (ITEMS_DEFAULT, SCHEMA_POINTS, TYPE_POINTS, LIMIT_DEFAULT)
    assert [n for n in numbers if not re.search(rf"\b{n:,}\b", PAGE)] == []
