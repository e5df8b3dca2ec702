"""ETag and If-Match: who changes what it has not seen is told so, and nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.rest.table import TABLE
from tests.e2e.support import changes_sent, pointers, problem_of
from tests.world import World

BODIES: dict[str, Any] = {"renew": {"period": "P1M"}, "PATCH": {"notes": "x"}}
VERBS = sorted(
    f"{route.method} {route.path}"
    for route in TABLE
    if route.is_versioned and "/lines/{line_id}" in route.path
)


def test_every_change_of_a_line_takes_if_match() -> None:
    verbs = {name.rpartition("/")[2] for name in VERBS}
    assert verbs == {
        *("{line_id}", "renew", "suspend", "resume", "terminate", "rotate-password"),
        *("adopt", "enforce"),
    }


@pytest.mark.parametrize("verb", VERBS)
async def test_a_change_of_another_version_is_refused_unsent_and_the_present_one_goes(
    small_world: World, verb: str
) -> None:
    world = small_world
    line = await world.line()
    method, path = verb.format(line_id=line["id"]).split()
    body = BODIES.get(method) or BODIES.get(path.rpartition("/")[2])
    sent = changes_sent(world)
    for tag in ('"2"', '"0"', 'W/"1"', '"1x"', '""', '"01"', '"nonsense"'):
        answer = await world.a.api.send(method, path, body, headers={"If-Match": tag})
        problem_of(answer, 412, "version_mismatch")
    for tag in ("1", '"1', '"1", "2"', "", "W/1"):
        answer = await world.a.api.send(method, path, body, headers={"If-Match": tag})
        assert pointers(problem_of(answer, 422, "invalid_request")) == ["If-Match"]
    assert changes_sent(world) == sent
    done = await world.a.api.send(method, path, body, headers={"If-Match": '"1"'})
    assert done.status_code == 200, done.text
    # A resume of what was not suspended changes nothing of the record; nor does a drift's decision
    # where there is none.
    version = 1 if path.endswith(("resume", "adopt", "enforce")) else 2
    assert done.headers["ETag"] == f'"{version}"'
    assert done.json()["version"] == version


async def test_the_star_stands_for_any_version(small_world: World) -> None:
    world = small_world
    line = await world.line()
    await world.a.api.ok(
        "PATCH", f"/v1/lines/{line['id']}", {"notes": "x"}, headers={"If-Match": "*"}
    )


async def test_what_the_panel_says_is_no_version_of_ours(small_world: World) -> None:
    world = small_world
    line = await world.line()
    path = f"/v1/lines/{line['id']}"
    for _ in range(2):
        answer = await world.a.api.get(path, headers={"Cache-Control": "no-cache"})
        assert answer.headers["ETag"] == '"1"'
    ignored = await world.a.api.get(path, headers={"If-None-Match": '"1"'})
    assert ignored.status_code == 200


async def test_a_refused_version_is_in_the_audit_log(small_world: World) -> None:
    world = small_world
    line = await world.line()
    await world.a.api.post(f"/v1/lines/{line['id']}/suspend", headers={"If-Match": '"9"'})
    entries = await world.a.api.ok("GET", "/v1/audit/entries", params={"action": "line.suspend"})
    assert [(entry["phase"], entry["code"]) for entry in entries["data"]] == [
        ("failed", "version_mismatch")
    ]


async def test_resellers_and_panels_have_versions_too(world: World) -> None:
    for path, body in (
        (f"/v1/resellers/{world.a.id}", {"name": "A2"}),
        (f"/v1/panels/{world.panel_id}", {"name": "P2"}),
    ):
        before = await world.operator.get(path)
        version = before.json()["version"]
        assert before.headers["ETag"] == f'"{version}"'
        stale = await world.operator.patch(path, body, headers={"If-Match": f'"{version + 1}"'})
        problem_of(stale, 412, "version_mismatch")
        same = await world.operator.patch(path, {}, headers={"If-Match": f'"{version}"'})
        assert same.json() == before.json()
        done = await world.operator.patch(path, body, headers={"If-Match": f'"{version}"'})
        assert done.headers["ETag"] == f'"{version + 1}"'
        again = await world.operator.patch(path, body, headers={"If-Match": f'"{version}"'})
        problem_of(again, 412, "version_mismatch")
    for verb in ("suspend", "resume"):
        answer = await world.operator.post(
            f"/v1/resellers/{world.a.id}/{verb}", headers={"If-Match": '"99"'}
        )
        problem_of(answer, 412, "version_mismatch")
