"""What the pages show happens: their requests are sent, their answers compared."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.demo.banner import example, graphql
from gateway.demo.seed import BOUQUETS
from gateway.simulator.control import ControlServer
from tests.docs.curl import parse_curl
from tests.docs.examples import Step, difference, steps
from tests.docs.pages import DOCS, ROOT, blocks, name_of, pages
from tests.world import BASE_URL, World, a_world

#: Pages whose requests are run, each from top to bottom.
RUN = (
    *("lines.md", "devices.md", "operations.md", "trusted-documents.md", "graphql.md"),
    *("clients.md", "oauth.md", "limits.md", "events.md", "webhooks.md", "inbound.md"),
    *("integrations/index.md", "integrations/stripe.md"),
)
JSON_BLOCKS = [
    (page, block) for page in pages() for block in blocks(page) if block.language == "json"
]


@pytest.mark.parametrize(
    "text",
    [block.text for _, block in JSON_BLOCKS],
    ids=[f"{name_of(page)}:{block.line}" for page, block in JSON_BLOCKS],
)
def test_what_is_shown_as_json_is_json(text: str) -> None:
    json.loads(text)


def test_the_first_example_is_the_one_that_the_demo_prints() -> None:
    (shown,) = [b.text for b in blocks(ROOT / "README.md") if b.note == "the example of the demo"]
    assert shown == example("http://127.0.0.1:8080", "xgw_THE_KEY_OF_DEMO_RESELLER_A")
    note = "the GraphQL example of the demo"
    (asked,) = [b.text for b in blocks(ROOT / "README.md") if b.note == note]
    assert asked == graphql("http://127.0.0.1:8080", "xgw_THE_KEY_OF_DEMO_RESELLER_A")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as made:
        # As the demo has it: named bouquets, and an account that the simulated panel knows.
        await made.operator.ok(
            "PATCH",
            f"/v1/panels/{made.panel_id}",
            {"bouquets": [{"id": it.id, "name": it.name} for it in BOUQUETS]},
        )
        account = {"panel_id": made.panel_id, "member_id": 2}
        await made.operator.ok(
            "PATCH",
            f"/v1/resellers/{made.a.id}",
            {"policy": {"panel_ids": [made.panel_id]}, "panel_accounts": [account]},
        )
        yield made


@pytest.mark.parametrize("page", RUN)
async def test_what_happens_is_what_the_page_says(world: World, page: str) -> None:
    async with AsyncExitStack() as stack:
        control = ControlServer(world.simulator.panel)
        stack.push_async_callback(control.stop)
        variables = {
            "GATEWAY": BASE_URL,
            "KEY": str(world.a.api.key),
            "OPERATOR_KEY": str(world.operator.key),
            "PANEL": world.simulator.base_url,
            "CONTROL": await control.start("127.0.0.1:0"),
        }
        outside = await stack.enter_async_context(httpx2.AsyncClient())
        for step in steps(DOCS / page):
            await run(step, variables, world.client, outside, page=page)


async def test_the_problem_of_its_page_is_what_a_wrong_request_gets(world: World) -> None:
    answer = await world.a.api.post("/v1/lines", {"usernme": "bob"})
    assert difference(shown_on("problems.md", "problem"), answer.json(), is_whole=True) is None


async def test_the_entry_of_its_page_is_what_the_audit_log_holds(world: World) -> None:
    line = await world.line()
    headers = {"X-Request-Id": "invoice-4711"}
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend", headers=headers)
    found = await world.a.api.ok(
        "GET", f"/v1/audit/entries?phase=succeeded&resource_id={line['id']}&limit=1"
    )
    (entry,) = found["data"]
    shown = shown_on("audit.md", "entry") | {"ip": entry["ip"]}
    assert difference(shown, entry, is_whole=True) is None


def shown_on(page: str, note: str) -> dict[str, Any]:
    """Return the JSON of the block that *note* marks."""
    (text,) = [block.text for block in blocks(DOCS / page) if block.note == note]
    found: dict[str, Any] = json.loads(text)
    return found


async def run(
    step: Step,
    variables: dict[str, str],
    gateway: httpx2.AsyncClient,
    outside: httpx2.AsyncClient,
    *,
    page: str,
) -> None:
    request = parse_curl(step.command, variables)
    client = gateway if request.url.startswith(BASE_URL) else outside
    response = await client.request(
        str(request.method), request.url, content=request.body, headers=request.headers
    )
    where = f"docs/{page}, line {step.line}"
    assert response.status_code == step.status, f"{where}: {response.text}"
    for name, part in step.has:
        assert part in response.headers[name], f"{where}: {name}: {response.headers[name]}"
    real: Any = response.json() if response.content else {}
    wrong = difference(step.answer or {}, real, is_whole=step.is_whole)
    assert wrong is None, f"{where}: {wrong}"
    variables |= {name: member_of(real, path) for name, path in step.keep.items()}


def member_of(real: Any, path: str) -> str:
    """Return a member of an answer; the path of one inside of it has slashes."""
    for part in path.split("/"):
        real = real[int(part)] if isinstance(real, list) else real[part]
    return str(real)


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"c": 1}, {"a": 1}, False),
        ({"id": "line_0a"}, {"id": "line_1b"}, True),
        ({"id": "line_0a"}, {"id": "op_1b"}, False),
        ({"id": "dev_0a"}, {"id": "dev_1b"}, True),
        ({"at": "2027-01-31T12:00:00Z"}, {"at": "2026-02-03T04:05:06Z"}, True),
        ({"at": "2036-02-29T00:00:00Z"}, {"at": "2036-02-28T00:00:00Z"}, False),
        ({"list": [1]}, {"list": [1, 2]}, False),
        ({"password": "A" * 16}, {"password": "b" * 16}, True),
        ({"password": "A" * 16}, {"password": "short"}, False),
    ],
)
def test_an_answer_is_compared_by_what_matters(shown: Any, real: Any, same: bool) -> None:
    assert (difference(shown, real, is_whole=False) is None) is same
