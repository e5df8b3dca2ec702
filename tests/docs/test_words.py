"""Where the code has a closed list, its guide names every member."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlsplit

import pytest

from gateway.api.rest.clients import ClientOut
from gateway.api.rest.policy_shapes import PolicyOut
from gateway.api.rest.routing import Route
from gateway.api.rest.table import TABLE
from gateway.domain.audit import Phase
from gateway.domain.documents import DocumentsMode
from gateway.domain.drifts import DriftEnd, DriftKind, DriftState
from gateway.domain.events import EventOrder
from gateway.domain.operations import Decision, ShownState
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import RenewFrom, State
from gateway.services.registry import KINDS
from tests.docs.curl import parse_curl
from tests.docs.examples import steps
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
        ("devices", filters_of(ROUTES["list_devices"])),
        ("operations", ShownState),
        ("operations", KINDS),
        ("operations", filters_of(ROUTES["list_operations"])),
        ("operations", Decision),
        ("operations", DriftKind),
        ("operations", DriftState),
        ("operations", DriftEnd),
        ("operations", filters_of(ROUTES["list_drifts"])),
        ("events", filters_of(ROUTES["list_events"])),
        ("events", EventOrder),
        ("clients", ClientOut.__struct_fields__),
        ("clients", filters_of(ROUTES["list_clients"])),
        ("audit", Phase),
        ("audit", filters_of(ROUTES["list_audit_entries"])),
        ("panels", SuspendBy),
        ("trusted-documents", DocumentsMode),
        ("getting-started", PolicyOut.__struct_fields__),
    ],
)
def test_a_guide_names_every_member(page: str, words: Iterable[str]) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert [word for word in words if f"`{word}`" not in text and f'"{word}"' not in text] == []


@pytest.mark.parametrize(
    ("page", "beginnings"),
    [
        ("lines", ("/v1/lines", "/v1/bouquets", "/v1/credits")),
        ("devices", ("/v1/devices",)),
        ("clients", ("/v1/clients",)),
    ],
)
def test_each_route_is_in_an_example(page: str, beginnings: tuple[str, ...]) -> None:
    variables: dict[str, str] = defaultdict(
        lambda: "x", LINE="{line_id}", DEVICE="{device_id}", CLIENT="{client_id}"
    )
    sent = set()
    for step in steps(DOCS / f"{page}.md"):
        request = parse_curl(step.command, variables)
        path = urlsplit(request.url).path.removeprefix("x")
        path = re.sub(r"(?<=/by-external-id/).+", "{external_id}", path)
        sent.add((request.method, path))
    routes = {(it.method, it.path) for it in TABLE if it.path.startswith(beginnings)}
    assert sorted(routes - sent) == []
