"""If it cannot be recorded, it is not done."""

from __future__ import annotations

import aiosqlite

from tests.world import World


async def test_no_audit_entry_means_no_panel_call(small_world: World) -> None:
    """The log refuses inserts, as with a full disk: 503, and the panel hears nothing."""
    world = small_world
    line = await world.line()
    calls = len(world.calls())
    path = world.settings.database_url.removeprefix("sqlite:///")
    async with aiosqlite.connect(path) as database:
        await database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_entries "
            "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
        await database.commit()
    for method, target, body in (
        ("POST", "/v1/lines", {"period": "P1M"}),
        ("POST", f"/v1/lines/{line['id']}/suspend", None),
        ("GET", f"/v1/lines/{line['id']}/credentials", None),
        ("POST", "/v1/keys", {"name": "x"}),
        ("POST", "/v1/clients", {"name": "x"}),
        (
            "POST",
            "/v1/inbound-sources",
            {"kind": "stripe", "secrets": ["whsec_1234"], "rules": [{"do": "none"}]},
        ),
        ("POST", "/v1/webhook-endpoints", {"url": "https://shop.example/hooks"}),
        ("PUT", "/v1/credits/threshold", {"low_threshold": "1"}),
    ):
        answer = await world.a.api.send(method, target, body)
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable"), target
        assert "Retry-After" in answer.headers
    assert len(world.calls()) == calls
    async with aiosqlite.connect(path) as database:
        await database.execute("DROP TRIGGER full")
        await database.commit()
    assert (await world.a.api.post("/v1/lines", {"period": "P1M"})).status_code == 201
