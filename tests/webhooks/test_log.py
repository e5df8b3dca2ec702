"""The log of deliveries, and having them made again."""

from __future__ import annotations

from datetime import timedelta

from tests.e2e.support import problem_of, text_of
from tests.graphql.asking import post
from tests.webhooks.catching import Catcher
from tests.webhooks.delivering import a_kept_delivery, an_endpoint_at, at, deliver, expand, work
from tests.world import World

PATH = "/v1/webhook-endpoints"


async def test_the_log_shows_what_was_sent_and_answered_and_no_signature(
    each_world: World, catcher: Catcher
) -> None:
    world = each_world
    made = await an_endpoint_at(world.a.api, catcher, event_types=["line.created"])
    catcher.answers["/hook"] = [500, 200]
    line = await world.line()
    await expand(world)
    moment = world.runtime.ports.clock.now() + timedelta(seconds=1)
    await deliver(at(world, moment))
    await deliver(at(world, moment + timedelta(seconds=6)))
    log = await world.a.api.ok("GET", f"{PATH}/{made['id']}/deliveries")
    (delivery,) = log["data"]
    assert (delivery["state"], delivery["next_at"]) == ("delivered", None)
    assert (delivery["event_type"], delivery["resource_id"]) == ("line.created", line["id"])
    first, second = delivery["attempts"]
    assert (first["status"], first["is_success"]) == (500, False)
    assert (second["status"], second["is_success"], second["answer"]) == (200, True, "thanks")
    assert second["headers"]["webhook-id"] == delivery["event_id"]
    assert catcher.caught[0].headers["webhook-signature"] not in str(log)


async def test_redelivering_sends_the_same_event_once_more(world: World, catcher: Catcher) -> None:
    made = await an_endpoint_at(world.a.api, catcher, event_types=["line.created"])
    await world.line()
    await work(world)
    (delivery,) = (await world.a.api.ok("GET", f"{PATH}/{made['id']}/deliveries"))["data"]
    path = f"/v1/deliveries/{delivery['id']}/redeliver"
    headers = {"Idempotency-Key": "again"}
    again = await world.a.api.ok("POST", path, headers=headers)
    assert again["state"] == "pending"
    await world.a.api.ok("POST", path, headers=headers)
    await work(world)
    await work(world)
    first, second = catcher.caught
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_what_cannot_be_made_again_is_a_conflict(world: World, catcher: Catcher) -> None:
    made = await an_endpoint_at(world.a.api, catcher)
    kept = await a_kept_delivery(world, made["id"])
    path = f"/v1/deliveries/{kept}/redeliver"
    problem_of(await world.a.api.post(path), 409, "state_conflict")
    await world.a.api.ok("PATCH", f"{PATH}/{made['id']}", {"state": "disabled"})
    since = {"since": "2026-01-01T00:00:00Z"}
    refused = await world.a.api.post(f"{PATH}/{made['id']}/recover", since)
    problem_of(refused, 409, "state_conflict")


async def test_recovering_delivers_what_was_given_up_or_never_tried_and_nothing_twice(
    each_world: World, catcher: Catcher
) -> None:
    world = each_world
    made = await an_endpoint_at(world.a.api, catcher, event_types=["line.created"])
    path = f"{PATH}/{made['id']}"
    since = text_of(world.runtime.ports.clock.now())
    await world.line()
    await work(world)
    catcher.answers["/hook"] = [500]
    await world.line()
    await work(world)
    await world.a.api.ok("PATCH", path, {"state": "disabled"})
    await world.line()
    await work(world)
    await world.a.api.ok("PATCH", path, {"state": "active"})
    assert len(catcher.caught) == 2
    recovered = await world.a.api.ok("POST", f"{path}/recover", {"since": since})
    assert (recovered["deliveries"], recovered["go_on_since"]) == (2, None)
    await work(world)
    assert len(catcher.caught) == 4
    assert len({each.headers["webhook-id"] for each in catcher.caught}) == 3
    again = await world.a.api.ok("POST", f"{path}/recover", {"since": since})
    assert again["deliveries"] == 0


async def test_graphql_shows_the_log_and_has_deliveries_made_again(
    world: World, catcher: Catcher
) -> None:
    api = world.a.api
    made = await an_endpoint_at(api, catcher, event_types=["line.created"])
    await world.line()
    await work(world)
    ask = (
        f'{{ deliveries(endpointId: "{made["id"]}") {{ nodes {{'
        " id state attempts { status headers } } } }"
    )
    (delivery,) = (await post(api, ask)).json()["data"]["deliveries"]["nodes"]
    assert (delivery["state"], delivery["attempts"][0]["status"]) == ("DELIVERED", 200)
    again = (
        f'mutation {{ redeliverDelivery(input: {{id: "{delivery["id"]}"}}) {{'
        " ... on RedeliverDeliverySuccess { delivery { state } } } }"
    )
    begun = (await post(api, again)).json()["data"]["redeliverDelivery"]
    assert begun == {"delivery": {"state": "PENDING"}}
    recover = (
        f'mutation {{ recoverWebhookEndpoint(input: {{id: "{made["id"]}",'
        ' since: "2026-01-01T00:00:00Z"}) {'
        " ... on RecoverWebhookEndpointSuccess { recovery { deliveries } } } }"
    )
    recovered = (await post(api, recover)).json()["data"]["recoverWebhookEndpoint"]
    assert recovered == {"recovery": {"deliveries": 0}}


async def test_the_log_is_narrowed_by_state_through_both_doors(
    each_world: World, catcher: Catcher
) -> None:
    world = each_world
    made = await an_endpoint_at(world.a.api, catcher, event_types=["line.created"])
    failed = await a_kept_delivery(world, made["id"])
    await world.line()
    await work(world)
    path = f"{PATH}/{made['id']}/deliveries"
    states = {}
    for state in ("pending", "delivered", "failed"):
        log = await world.a.api.ok("GET", path, params={"state": state})
        states[state] = [each["id"] for each in log["data"]]
    (delivered,) = states["delivered"]
    assert states == {"pending": [], "delivered": [delivered], "failed": [failed]}
    refused = await world.a.api.get(path, params={"state": "lost"})
    problem_of(refused, 422, "invalid_request")
    narrowed = f'endpointId: "{made["id"]}", filter: {{state: FAILED}}'
    ask = f"{{ deliveries({narrowed}) {{ nodes {{ id }} }} }}"
    nodes = (await post(world.a.api, ask)).json()["data"]["deliveries"]["nodes"]
    assert nodes == [{"id": failed}]
