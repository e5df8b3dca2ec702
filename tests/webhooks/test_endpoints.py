"""Webhook endpoints: what is shown of them, what is refused, and how a test is signed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from tests.e2e.support import pointers, problem_of
from tests.graphql.asking import post
from tests.webhooks.catching import Catcher
from tests.world import World

PATH = "/v1/webhook-endpoints"
NEW = {"url": "https://shop.example/hooks", "event_types": ["line.renewed"]}


async def test_the_secret_is_shown_once_and_again_only_under_the_same_key(world: World) -> None:
    headers = {"Idempotency-Key": "one"}
    made = await world.a.api.ok("POST", PATH, NEW, status=201, headers=headers)
    again = await world.a.api.post(PATH, NEW, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == made
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["signature"], made["state"], made["reseller_id"]) == ("v1", "active", world.a.id)
    shown = await world.a.api.ok("GET", f"{PATH}/{made['id']}")
    assert (await world.a.api.ok("GET", PATH))["data"] == [shown] == [made]
    log = await world.a.api.get("/v1/audit/entries", params={"resource_id": made["id"]})
    assert log.json()["data"][0]["action"] == "webhook_endpoint.create"
    assert secret not in log.text
    assert secret.removeprefix("whsec_") not in log.text


async def test_a_dry_run_keeps_nothing_and_shows_no_secret(world: World) -> None:
    answer = await world.a.api.ok("POST", f"{PATH}?dry_run=true", NEW)
    assert answer["dry_run"] is True
    assert "whsec_" not in str(answer)
    assert (await world.a.api.ok("GET", PATH))["data"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "http://shop.example/hooks"}, "/url"),
        ({"url": "https://10.0.0.1/hooks"}, "/url"),
        ({"url": "https://user:pass@shop.example/"}, "/url"),
        ({"url": ""}, "/url"),
        ({"url": "https://shop.example/" + "x" * 2_048}, "/url"),
        ({"event_types": ["line.sold"]}, "/event_types/0"),
        ({"event_types": ["line.renewed", "line.renewed"]}, "/event_types"),
        ({"signature": "v2"}, "/signature"),
        ({"secret": "whsec_mine"}, "/secret"),
    ],
    ids=str,
)
async def test_what_cannot_be_an_endpoint_is_refused_with_its_place(
    world: World, change: dict[str, Any], pointer: str
) -> None:
    answer = await world.a.api.post(PATH, NEW | change)
    assert pointer in pointers(problem_of(answer, 422, "invalid_request"))


async def test_a_reseller_makes_none_for_another(world: World) -> None:
    answer = await world.a.api.post(PATH, NEW | {"reseller_id": world.b.id})
    problem_of(answer, 404, "not_found")
    made = await world.operator.ok("POST", PATH, NEW | {"reseller_id": world.b.id}, status=201)
    assert (await world.b.api.ok("GET", PATH))["data"][0]["id"] == made["id"]


async def test_changes_hold_on_to_the_version_and_say_why_it_is_disabled(world: World) -> None:
    made = await world.a.api.ok("POST", PATH, NEW, status=201)
    path = f"{PATH}/{made['id']}"
    off = await world.a.api.ok("PATCH", path, {"state": "disabled"}, headers={"If-Match": '"1"'})
    assert (off["version"], off["state"], off["disabled_reason"]) == (2, "disabled", "asked")
    stale = await world.a.api.patch(path, {"state": "active"}, headers={"If-Match": '"1"'})
    problem_of(stale, 412, "version_mismatch")
    on = await world.a.api.ok("PATCH", path, {"state": "active", "event_types": []})
    assert (on["state"], on["disabled_reason"], on["event_types"]) == ("active", None, [])
    refused = await world.a.api.patch(path, {"url": "https://127.0.0.1/"})
    assert pointers(problem_of(refused, 422, "invalid_request")) == ["/url"]
    assert (await world.a.api.delete(path)).status_code == 204
    problem_of(await world.a.api.get(path), 404, "not_found")


async def test_after_a_rotation_both_secrets_verify_and_with_no_overlap_one(
    world: World, catcher: Catcher
) -> None:
    made = await world.a.api.ok("POST", PATH, {"url": catcher.url()}, status=201)
    path = f"{PATH}/{made['id']}"
    first = made["secret"]
    second = (await world.a.api.ok("POST", f"{path}/rotate-secret"))["secret"]
    test = await world.a.api.ok("POST", f"{path}/test")
    assert (test["is_success"], test["status"], test["answer"]) == (True, 200, "thanks")
    (caught,) = catcher.caught
    for secret in (first, second):
        payload = Webhook(secret).verify(caught.body, caught.headers)
        assert payload["type"] == "webhook_endpoint.test"
    body = {"overlap_seconds": 0}
    third = (await world.a.api.ok("POST", f"{path}/rotate-secret", body))["secret"]
    await world.a.api.ok("POST", f"{path}/test")
    assert len(catcher.caught[1].headers["webhook-signature"].split()) == 1
    Webhook(third).verify(catcher.caught[1].body, catcher.caught[1].headers)


async def test_v1a_is_verified_with_the_public_key_alone(world: World, catcher: Catcher) -> None:
    new = {"url": catcher.url(), "signature": "v1a"}
    made = await world.a.api.ok("POST", PATH, new, status=201)
    assert made["secret"] is None
    await world.a.api.ok("POST", f"{PATH}/{made['id']}/test")
    (caught,) = catcher.caught
    version, _, signature = caught.headers["webhook-signature"].partition(",")
    key = base64.b64decode(made["public_key"].removeprefix("whpk_"))
    signed = f"{caught.headers['webhook-id']}.{caught.headers['webhook-timestamp']}.".encode()
    Ed25519PublicKey.from_public_bytes(key).verify(
        base64.b64decode(signature), signed + caught.body
    )
    assert version == "v1a"


async def test_a_test_says_why_it_failed_and_is_in_the_log(world: World, catcher: Catcher) -> None:
    made = await world.a.api.ok("POST", PATH, {"url": catcher.url("/500")}, status=201)
    test = await world.a.api.ok("POST", f"{PATH}/{made['id']}/test")
    assert (test["is_success"], test["status"], test["fault"]) == (False, 500, None)
    log = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"action": "webhook_endpoint.test"}
    )
    assert [each["phase"] for each in log["data"]] == ["succeeded"]


async def test_graphql_makes_changes_rotates_tries_and_removes(
    world: World, catcher: Catcher
) -> None:
    api = world.a.api
    create = (
        "mutation($i: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $i) {"
        " ... on CreateWebhookEndpointSuccess { secret endpoint { id url eventTypes state } }"
        " ... on InvalidRequestProblem { errors { pointer } } } }"
    )
    wrong = {"url": "https://localhost/"}
    refused = (await post(api, create, {"i": wrong})).json()["data"]["createWebhookEndpoint"]
    assert refused == {"errors": [{"pointer": "/input/url"}]}
    right = {"url": catcher.url(), "eventTypes": ["LINE_RENEWED"]}
    made = (await post(api, create, {"i": right})).json()["data"]["createWebhookEndpoint"]
    endpoint = made["endpoint"]
    assert (endpoint["eventTypes"], endpoint["state"]) == (["LINE_RENEWED"], "ACTIVE")
    assert made["secret"].startswith("whsec_")
    rotate = (
        f'mutation {{ rotateWebhookSecret(input: {{id: "{endpoint["id"]}"}}) {{'
        " ... on RotateWebhookSecretSuccess { secret } } }"
    )
    rotated = (await post(api, rotate)).json()["data"]["rotateWebhookSecret"]
    assert rotated["secret"] != made["secret"]
    test = (
        f'mutation {{ testWebhookEndpoint(input: {{id: "{endpoint["id"]}"}}) {{'
        " ... on TestWebhookEndpointSuccess { test { isSuccess status } } } }"
    )
    tried = (await post(api, test)).json()["data"]["testWebhookEndpoint"]
    assert tried == {"test": {"isSuccess": True, "status": 200}}
    remove = (
        f'mutation {{ removeWebhookEndpoint(input: {{id: "{endpoint["id"]}"}}) {{'
        " ... on RemoveWebhookEndpointSuccess { removed { id } } } }"
    )
    gone = (await post(api, remove)).json()["data"]["removeWebhookEndpoint"]
    assert gone == {"removed": {"id": endpoint["id"]}}
    listed = await post(api, "{ webhookEndpoints { nodes { id } } }")
    assert listed.json()["data"] == {"webhookEndpoints": {"nodes": []}}
