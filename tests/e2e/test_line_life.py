"""The whole life of a line through REST, on both databases and both sorts of panel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.periods import Period
from tests.world import World

NEVER = 2_145_916_800


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def unix(text: str) -> int:
    return int(moment(text).timestamp())


async def test_a_line_is_created_on_the_panel_as_asked(life: World) -> None:
    answer = await life.a.api.post(
        "/v1/lines",
        {
            "external_id": "whmcs:4711",
            "username": "anna",
            "password": "s3cret-Pass",
            "expires_at": "2030-01-31T00:00:00Z",
            "max_connections": 2,
            "bouquet_ids": [1, 3],
            "allowed_ips": ["203.0.113.7"],
            "notes": "paid by card",
            "metadata": {"plan": "gold"},
        },
    )
    line = answer.json()
    assert answer.status_code == 201, line
    assert answer.headers["Location"] == f"/v1/lines/{line['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert line["password"] == "s3cret-Pass"
    assert line["state"] == "active"
    assert line["observed"]["stale"] is False
    row = life.user("anna")
    assert line["panel_line_id"] == row["id"]
    assert row["password"] == "s3cret-Pass"
    assert row["exp_date"] == unix("2030-01-31T00:00:00Z")
    assert row["max_connections"] == 2
    assert row["bouquet"] == "[1,3]"
    assert row["reseller_notes"] == "paid by card"
    assert row["admin_notes"].startswith("op_")
    reseller = await life.operator.ok("GET", f"/v1/resellers/{life.a.id}")
    assert row["member_id"] == reseller["panel_accounts"][0]["member_id"]


async def test_generated_credentials_are_strong_and_shown_once(life: World) -> None:
    line = await life.line()
    assert len(line["password"]) >= 12
    row = life.user(line["username"])
    assert row["password"] == line["password"]
    seen = await life.a.api.ok("GET", f"/v1/lines/{line['id']}")
    assert "password" not in seen
    credentials = await life.a.api.ok("GET", f"/v1/lines/{line['id']}/credentials")
    assert credentials == {"username": line["username"], "password": line["password"]}


async def test_info_says_what_the_panel_says(life: World) -> None:
    line = await life.line(bouquet_ids=[1, 2])
    info = await life.a.api.ok("GET", f"/v1/lines/{line['id']}/info")
    assert info["active_connections"] == 0
    assert info["max_connections"] == 1
    assert info["expires_at"] == line["expires_at"]
    assert info["channel_ids"] == [1, 2, 3, 4]


async def test_a_renewal_before_expiry_adds_to_the_expiry(life: World) -> None:
    line = await life.line(period="P10D")
    renewed = await life.a.api.ok("POST", f"/v1/lines/{line['id']}/renew", {"period": "P1M"})
    expected = Period.parse("P1M").after(moment(line["expires_at"]))
    assert moment(renewed["expires_at"]) == expected
    assert life.user(line["username"])["exp_date"] == int(expected.timestamp())


async def test_a_renewal_after_expiry_counts_from_now(life: World) -> None:
    line = await life.line(period="P10D")
    await _expire(life, line)
    seen = await life.a.api.ok(
        "GET", f"/v1/lines/{line['id']}", headers={"Cache-Control": "no-cache"}
    )
    assert seen["state"] == "expired"
    before = datetime.now(UTC).replace(microsecond=0)
    renewed = await life.a.api.ok("POST", f"/v1/lines/{line['id']}/renew", {"period": "P1D"})
    after = datetime.now(UTC)
    assert before + timedelta(days=1) <= moment(renewed["expires_at"]) <= after + timedelta(days=1)
    assert renewed["state"] == "active"


async def _expire(world: World, line: dict[str, Any]) -> None:
    """Let the line have expired an hour ago; only operators may set such a date."""
    past = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
    text = past.isoformat().replace("+00:00", "Z")
    await world.operator.ok("PATCH", f"/v1/lines/{line['id']}", {"expires_at": text})


async def test_a_never_expiring_line_is_created_and_made_by_renewal(life: World) -> None:
    line = await life.line(never_expires=True)
    assert line["expires_at"] is None
    assert life.user(line["username"])["exp_date"] is None
    other = await life.line()
    renewed = await life.a.api.ok("POST", f"/v1/lines/{other['id']}/renew", {"never_expires": True})
    assert renewed["expires_at"] is None
    assert life.user(other["username"])["exp_date"] == NEVER
    refused = await life.a.api.post(f"/v1/lines/{other['id']}/renew", {"period": "P1M"})
    assert (refused.status_code, refused.json()["code"]) == (409, "state_conflict")


async def test_suspend_and_resume_keep_the_expiry(life: World) -> None:
    line = await life.line()
    for _ in range(2):
        suspended = await life.a.api.ok(
            "POST", f"/v1/lines/{line['id']}/suspend", {"reason": "unpaid"}
        )
        assert suspended["state"] == "suspended"
        assert suspended["expires_at"] == line["expires_at"]
    assert life.user(line["username"])["enabled"] == 0
    for _ in range(2):
        resumed = await life.a.api.ok("POST", f"/v1/lines/{line['id']}/resume")
        assert resumed["state"] == "active"
    assert life.user(line["username"])["enabled"] == 1


async def test_a_patch_changes_only_what_is_named(life: World) -> None:
    line = await life.line(notes="first", metadata={"a": "1", "b": "2"})
    before = life.user(line["username"])
    changed = await life.a.api.send(
        "PATCH", f"/v1/lines/{line['id']}", {"bouquet_ids": [3], "metadata": {"a": None, "c": "3"}}
    )
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == '"2"'
    assert changed.json()["bouquet_ids"] == [3]
    assert changed.json()["metadata"] == {"b": "2", "c": "3"}
    assert life.user(line["username"]) == before | {"bouquet": "[3]"}


async def test_a_rotated_password_works_and_the_old_one_does_not(life: World) -> None:
    line = await life.line()
    rotated = await life.a.api.ok("POST", f"/v1/lines/{line['id']}/rotate-password")
    assert rotated["password"] != line["password"]
    assert life.user(line["username"])["password"] == rotated["password"]
    await life.a.api.ok(
        "GET", f"/v1/lines/{line['id']}/info", headers={"Cache-Control": "no-cache"}
    )


async def test_termination_is_final_and_keeps_the_username(life: World) -> None:
    line = await life.line(external_id="shop-1", username="gone")
    for _ in range(2):
        ended = await life.a.api.ok("POST", f"/v1/lines/{line['id']}/terminate")
        assert ended["state"] == "terminated"
    assert life.user("gone")["enabled"] == 0
    refused = await life.a.api.post(f"/v1/lines/{line['id']}/renew", {"period": "P1M"})
    assert (refused.status_code, refused.json()["code"]) == (409, "state_conflict")
    taken = await life.b.api.post("/v1/lines", {"username": "GONE", "period": "P1M"})
    assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")
    again = await life.line(external_id="shop-1")
    assert again["id"] != line["id"]
