"""Inbound sources: who can make one, what is shown of it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.support import pointers, problem_of
from tests.graphql.asking import post
from tests.world import World

PATH = "/v1/inbound-sources"
SECRET = "whsec_a_secret_that_nobody_sees"
NEW = {"kind": "stripe", "secrets": [SECRET], "rules": "stripe_subscriptions"}
RULE = {"do": "resume", "external_id": ["a"]}


async def test_a_source_is_shown_without_its_secrets(world: World) -> None:
    headers = {"Idempotency-Key": "one"}
    made = await world.a.api.ok("POST", PATH, NEW, status=201, headers=headers)
    again = await world.a.api.post(PATH, NEW, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == made
    assert made["path"] == f"/v1/inbound/{made['id']}"
    assert made["reseller_id"] == world.a.id
    shown = await world.a.api.ok("GET", f"{PATH}/{made['id']}")
    listed = await world.a.api.ok("GET", PATH)
    assert listed["data"] == [shown] == [made]
    log = await world.a.api.get("/v1/audit/entries", params={"resource_id": made["id"]})
    assert log.json()["data"][0]["action"] == "inbound_source.create"
    assert SECRET not in str([made, log.text])


async def test_a_dry_run_keeps_nothing(small_world: World) -> None:
    answer = await small_world.a.api.ok("POST", f"{PATH}?dry_run=true", NEW)
    assert answer["dry_run"] is True
    assert SECRET not in str(answer)
    assert (await small_world.a.api.ok("GET", PATH))["data"] == []


async def test_who_may_not_write_lines_cannot_make_a_source_that_does(world: World) -> None:
    key = await world.a.api.ok(
        "POST",
        "/v1/keys",
        {"name": "x", "permissions": ["inbound:read", "inbound:write"]},
        status=201,
    )
    weak = world.api(key["key"])
    problem_of(await weak.post(PATH, NEW), 403, "permission_denied")
    harmless = await weak.ok("POST", PATH, NEW | {"rules": [{"do": "none"}]}, status=201)
    strong = await world.a.api.ok("POST", PATH, NEW, status=201)
    for method, path, body in (
        ("PATCH", harmless["id"], {"rules": "stripe_subscriptions"}),
        ("PATCH", strong["id"], {"secrets": ["whsec_of-the-weak"]}),
        ("POST", f"{strong['id']}/rotate-secret", {"secret": "whsec_of-the-weak"}),
    ):
        answer = await weak.send(method, f"{PATH}/{path}", body)
        problem_of(answer, 403, "permission_denied")


async def test_changes_hold_on_to_the_version(world: World) -> None:
    made = await world.a.api.ok("POST", PATH, NEW, status=201)
    path = f"{PATH}/{made['id']}"
    changed = await world.a.api.ok("PATCH", path, {"rules": [RULE]}, headers={"If-Match": '"1"'})
    assert (changed["version"], changed["rules"]) == (2, [RULE])
    stale = await world.a.api.patch(path, {"rules": [RULE]}, headers={"If-Match": '"1"'})
    problem_of(stale, 412, "version_mismatch")
    rotated = await world.a.api.ok("POST", f"{path}/rotate-secret", {"secret": "whsec_second"})
    assert [each["ends_at"] is None for each in rotated["secrets"]] == [True, False]
    at_once = await world.a.api.ok(
        "POST", f"{path}/rotate-secret", {"secret": "whsec_third", "overlap_seconds": 0}
    )
    assert len(at_once["secrets"]) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"secrets": []}, "/secrets"),
        ({"secrets": ["abc"]}, "/secrets/0"),
        ({"secrets": ["with a blank"]}, "/secrets/0"),
        ({"secrets": [f"whsec_{n}" for n in range(6)]}, "/secrets"),
        ({"kind": "standard_webhooks", "secrets": ["whsec_!!!!!!"]}, "/secrets/0"),
        ({"kind": "paypal"}, "/kind"),
        ({"rules": "paypal_subscriptions"}, "/rules"),
        ({"rules": []}, "/rules"),
        ({"rules": {}}, "/rules"),
        ({"rules": None}, "/rules"),
        ({"rules": [RULE | {"do": "delete"}]}, "/rules/0/do"),
        ({"rules": [RULE, RULE | {"more": 1}]}, "/rules/1"),
        ({"rules": [RULE | {"external_id": ["a..b"]}]}, "/rules/0/external_id/0"),
        ({"rules": [RULE | {"when": [{"path": "a"}]}]}, "/rules/0/when/0"),
        ({"rules": [RULE | {"when": [{"path": "a", "in": []}]}]}, "/rules/0/when/0/in"),
        ({"rules": [{"do": "suspend", "external_id": ["a"], "grace": "3d"}]}, "/rules/0"),
        ({"rules": [{"do": "renew", "external_id": ["a"]}]}, "/rules/0"),
        ({"rules": [{"do": "suspend"}]}, "/rules/0"),
    ],
    ids=str,
)
async def test_what_cannot_be_a_source_is_refused_with_its_place(
    small_world: World, change: dict[str, Any], pointer: str
) -> None:
    answer = await small_world.a.api.post(PATH, NEW | change)
    assert pointer in pointers(problem_of(answer, 422, "invalid_request"))
    assert "abc" not in answer.text


async def test_graphql_makes_reads_tries_and_removes_a_source(small_world: World) -> None:
    api = small_world.a.api
    line = await small_world.line(external_id="order-1")
    create = (
        "mutation($i: CreateInboundSourceInput!) { createInboundSource(input: $i) {"
        " ... on CreateInboundSourceSuccess { source { id kind rules secrets { endsAt } } }"
        " ... on InvalidRequestProblem { errors { pointer } } } }"
    )
    wrong = {"kind": "STRIPE", "secrets": [SECRET], "rules": [RULE | {"external_id": [""]}]}
    refused = (await post(api, create, {"i": wrong})).json()["data"]["createInboundSource"]
    assert refused == {"errors": [{"pointer": "/input/rules/0/external_id/0"}]}
    right = wrong | {"rules": [RULE | {"external_id": ["who"]}]}
    made = (await post(api, create, {"i": right})).json()["data"]["createInboundSource"]["source"]
    assert (made["kind"], made["secrets"]) == ("STRIPE", [{"endsAt": None}])
    assert made["rules"] == right["rules"]
    preview = (
        "mutation($i: PreviewInboundEventInput!) { previewInboundEvent(input: $i) {"
        " ... on PreviewInboundEventSuccess { preview { action resourceId problem { code } } } } }"
    )
    event = {"id": made["id"], "payload": {"id": "evt_1", "type": "x", "who": "order-1"}}
    shown = (await post(api, preview, {"i": event})).json()["data"]["previewInboundEvent"]
    assert shown == {"preview": {"action": "RESUME", "resourceId": line["id"], "problem": None}}
    events = f'{{ inboundEvents(sourceId: "{made["id"]}") {{ nodes {{ id }} }} }}'
    assert (await post(api, events)).json()["data"] == {"inboundEvents": {"nodes": []}}
    remove = (
        f'mutation {{ removeInboundSource(input: {{id: "{made["id"]}"}}) {{'
        " ... on RemoveInboundSourceSuccess { removed { id } } } }"
    )
    gone = (await post(api, remove)).json()["data"]["removeInboundSource"]
    assert gone == {"removed": {"id": made["id"]}}
    assert (await api.ok("GET", PATH))["data"] == []
