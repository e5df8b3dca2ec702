"""Where the code has a closed list, its guide names every member."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from gateway.api.rest.policy_shapes import PolicyOut
from gateway.api.rest.routing import Route
from gateway.api.rest.table import TABLE
from gateway.domain.audit import Phase
from gateway.domain.operations import OperationState
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import RenewFrom, State
from gateway.services.registry import KINDS
from tests.docs.pages import DOCS

ROUTES = {route.name: route for route in TABLE}


def filters_of(route: Route) -> list[str]:
    """Return the names of a list's filters as callers write them."""
    fields = route.query.model_fields
    return [
        field.alias or name for name, field in fields.items() if name not in {"limit", "cursor"}
    ]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("lines", State),
        ("lines", RenewFrom),
        ("lines", SuspendBy),
        ("lines", filters_of(ROUTES["list_lines"])),
        ("operations", OperationState),
        ("operations", KINDS),
        ("operations", filters_of(ROUTES["list_operations"])),
        ("audit", Phase),
        ("audit", filters_of(ROUTES["list_audit_entries"])),
        ("panels", SuspendBy),
        ("getting-started", PolicyOut.__struct_fields__),
    ],
)
def test_a_guide_names_every_member(page: str, words: Iterable[str]) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert [word for word in words if f"`{word}`" not in text and f'"{word}"' not in text] == []


def test_each_route_of_lines_is_in_an_example() -> None:
    text = (DOCS / "lines.md").read_text(encoding="utf-8").replace("$LINE", "{line_id}")
    paths = {route.path for route in TABLE if route.path.startswith("/v1/lines")}
    assert [path for path in sorted(paths) if f'"$GATEWAY{path}' not in text] == []
