"""A dry run says what would happen, and leaves nothing behind, here or on the panel."""

from __future__ import annotations

from typing import Any

from tests.world import World


async def rehearse(world: World, method: str, path: str, body: Any = None) -> dict[str, Any]:
    return await world.a.api.ok(method, path, body, params={"dry_run": "true"})


async def test_a_create_shows_the_form_with_secrets_masked(world: World) -> None:
    shown = await rehearse(
        world,
        "POST",
        "/v1/lines",
        {"username": "anna", "password": "s3cret-Pass", "expires_at": "2030-01-01T00:00:00Z"},
    )
    assert shown["dry_run"] is True
    assert shown["credits"] == "0.00"
    (call,) = shown["panel_calls"]
    assert (call["method"], call["path"]) == ("POST", "/api.php")
    assert call["query"] == "action=user&sub=create"
    assert call["form"]["user_data[username]"] == "anna"
    assert call["form"]["user_data[password]"] == "***"
    assert call["form"]["user_data[exp_date]"] == "1893456000"
    assert "s3cret-Pass" not in str(shown)
    assert shown["effect"]["after"]["username"] == "anna"
    assert not world.calls()
    assert (await world.a.api.ok("GET", "/v1/lines"))["data"] == []
    assert (await world.a.api.ok("GET", "/v1/operations"))["data"] == []
    await world.line(username="anna")  # The name is still free.


async def test_every_write_of_a_line_can_be_rehearsed(world: World) -> None:
    line = await world.line()
    before = world.user(line["username"])
    path = f"/v1/lines/{line['id']}"
    renewed = await rehearse(world, "POST", f"{path}/renew", {"period": "P1M"})
    assert list(renewed["panel_calls"][0]["form"]) == [
        "username",
        "password",
        "user_data[exp_date]",
    ]
    assert renewed["panel_calls"][0]["form"]["password"] == "***"
    for method, target, body in (
        ("PATCH", path, {"notes": "x"}),
        ("POST", f"{path}/suspend", None),
        ("POST", f"{path}/resume", None),
        ("POST", f"{path}/rotate-password", None),
        ("POST", f"{path}/drift/enforce", None),
        ("POST", f"{path}/terminate", None),
    ):
        shown = await rehearse(world, method, target, body)
        assert len(shown["panel_calls"]) == 1, target
    assert world.user(line["username"]) == before
    assert not world.calls("edit")
    seen = await world.a.api.ok("GET", path)
    assert (seen["version"], seen["state"]) == (1, "active")


async def test_our_own_data_is_rehearsed_too(world: World) -> None:
    shown = await rehearse(world, "POST", "/v1/keys", {"name": "shop"})
    assert shown["panel_calls"] == []
    assert "xgw_" not in str(shown["effect"]["after"].get("secret", ""))
    keys = await world.a.api.ok("GET", "/v1/keys")
    assert "shop" not in {key["name"] for key in keys["data"]}


async def test_a_rehearsed_refusal_is_refused_and_not_recorded(world: World) -> None:
    entries = await world.operator.ok("GET", "/v1/audit/entries")
    answer = await world.a.api.send(
        "POST",
        "/v1/lines",
        {"period": "P1M", "member_id": 1},
        params={"dry_run": "true"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "field_not_allowed")
    assert await world.operator.ok("GET", "/v1/audit/entries") == entries


async def test_a_rehearsal_ignores_the_idempotency_key(world: World) -> None:
    headers = {"Idempotency-Key": "order-1"}
    body = {"period": "P1M"}
    await world.a.api.ok("POST", "/v1/lines", body, params={"dry_run": "true"}, headers=headers)
    made = await world.a.api.post("/v1/lines", body, headers=headers)
    assert made.status_code == 201
    assert "Idempotent-Replayed" not in made.headers
