"""Renewals: the date is ours, counted from what the panel says, and absolute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.support import SetClock, changes_sent, on_panel, pointers, problem_of, process, unix
from tests.world import World

JANUARY = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)
NOW = datetime(2027, 1, 10, 9, 30, 15, 999_999, tzinfo=UTC)


async def renewed(world: World, line: dict[str, Any], **body: Any) -> str:
    """Renew, hold the answer against the panel, and return the new expiry."""
    found = await world.a.api.ok("POST", f"/v1/lines/{line['id']}/renew", body)
    text = str(found["expires_at"])
    assert world.user(line["username"])["exp_date"] == unix(text)
    return text


async def test_the_date_is_counted_as_people_count(life: World) -> None:
    async with process(life, clock=SetClock(NOW)) as world:
        for expires_at, body, expected in (
            ("2027-01-31T12:00:00Z", {"period": "P1M"}, "2027-02-28T12:00:00Z"),
            ("2028-01-31T12:00:00Z", {"period": "P1M"}, "2028-02-29T12:00:00Z"),
            ("2027-01-31T12:00:00Z", {"period": "P30D"}, "2027-03-02T12:00:00Z"),
            ("2027-01-31T12:00:00Z", {"period": "PT24H"}, "2027-02-01T12:00:00Z"),
            ("2028-02-29T00:00:00Z", {"period": "P1Y"}, "2029-02-28T00:00:00Z"),
            ("2027-01-31T12:00:00Z", {"period": "P1M", "from": "later"}, "2027-02-28T12:00:00Z"),
            ("2027-01-31T12:00:00Z", {"period": "P1M", "from": "expiry"}, "2027-02-28T12:00:00Z"),
            ("2027-01-31T12:00:00Z", {"period": "P1M", "from": "now"}, "2027-02-10T09:30:15Z"),
            ("2026-12-31T12:00:00Z", {"period": "P1M"}, "2027-02-10T09:30:15Z"),
            ("2026-12-31T12:00:00Z", {"period": "P1M", "from": "expiry"}, "2027-01-31T12:00:00Z"),
            (
                "2026-12-31T12:00:00Z",
                {"expires_at": "2027-01-10T09:30:16Z"},
                "2027-01-10T09:30:16Z",
            ),
            (
                "2030-12-31T12:00:00Z",
                {"expires_at": "2028-01-01T02:00:00.9+02:00"},
                "2028-01-01T00:00:00Z",
            ),
        ):
            line = await world.line(expires_at="2035-01-01T00:00:00Z")
            await world.operator.ok("PATCH", f"/v1/lines/{line['id']}", {"expires_at": expires_at})
            assert await renewed(world, line, **body) == expected, (expires_at, body)


async def test_a_date_that_is_over_or_too_far_is_refused_and_nothing_changes(
    world: World,
) -> None:
    async with process(world, clock=SetClock(NOW)) as there:
        line = await there.line(expires_at="2037-12-15T00:00:00Z")
        gone = await there.line(expires_at="2035-01-01T00:00:00Z")
        await there.operator.ok(
            "PATCH", f"/v1/lines/{gone['id']}", {"expires_at": "2026-01-10T09:30:15Z"}
        )
        sent = changes_sent(there)
        for target, body, pointer in (
            (line, {"period": "P1M"}, "/period"),
            (line, {"period": "P17D"}, "/period"),
            (line, {"period": "P100Y"}, "/period"),
            (line, {"expires_at": "2038-01-01T00:00:00Z"}, "/expires_at"),
            (line, {"expires_at": "9999-12-31T23:59:59Z"}, "/expires_at"),
            (line, {"expires_at": "2027-01-10T09:30:15Z"}, "/expires_at"),
            (gone, {"period": "P1M", "from": "expiry"}, "/period"),
            (gone, {"period": "P1Y", "from": "expiry"}, "/period"),
        ):
            before = there.user(target["username"])
            seen = await there.a.api.ok("GET", f"/v1/lines/{target['id']}")
            answer = await there.a.api.post(f"/v1/lines/{target['id']}/renew", body)
            assert pointers(problem_of(answer, 422, "invalid_request")) == [pointer], body
            assert there.user(target["username"]) == before
            after = await there.a.api.ok("GET", f"/v1/lines/{target['id']}")
            assert after | {"observed": None} == seen | {"observed": None}
        assert changes_sent(there) == sent
        assert await renewed(there, line, period="P16DT86399S") == "2037-12-31T23:59:59Z"
        assert await renewed(there, gone, period="P1M", **{"from": "now"}) == "2027-02-10T09:30:15Z"


async def test_what_counts_is_the_expiry_that_the_panel_has(world: World) -> None:
    """Others changed it by hand; our own memory of it is old, and so is what is cached."""
    line = await world.line(expires_at="2030-01-31T00:00:00Z")
    on_panel(world, line, exp_date=unix("2031-01-31T00:00:00Z"))
    assert await renewed(world, line, period="P1M") == "2031-02-28T00:00:00Z"
    on_panel(world, line, exp_date=unix("2020-01-31T00:00:00Z"))
    before = datetime.now(UTC).replace(microsecond=0)
    until = datetime.fromisoformat(await renewed(world, line, period="P1D"))
    assert before + timedelta(days=1) <= until <= datetime.now(UTC) + timedelta(days=1)


async def test_a_line_made_never_expiring_by_hand_has_no_period(world: World) -> None:
    for cell in (None, 0, 2_145_916_800):
        line = await world.line()
        on_panel(world, line, exp_date=cell)
        sent = changes_sent(world)
        answer = await world.a.api.post(f"/v1/lines/{line['id']}/renew", {"period": "P1M"})
        if (
            cell == 0
        ):  # The year 1970 for some panels, never for none: no month was lost either way.
            assert answer.status_code in {200, 409}
            continue
        problem_of(answer, 409, "state_conflict")
        assert changes_sent(world) == sent
        assert (
            await renewed(world, line, expires_at="2031-01-01T00:00:00Z") == "2031-01-01T00:00:00Z"
        )


async def test_a_request_without_exactly_one_term_is_refused(small_world: World) -> None:
    world = small_world
    line = await world.line()
    calls = len(world.calls())
    for body in (
        {},
        {"period": None},
        {"never_expires": False},
        {"period": "P1M", "never_expires": True},
        {"period": "P1M", "expires_at": "2030-01-01T00:00:00Z"},
        {"from": "now", "never_expires": True},
        {"from": "now", "expires_at": "2030-01-01T00:00:00Z"},
        {"period": "P1M", "from": "yesterday"},
        {"period": "P1M", "reference": ""},
        {"period": "P1M", "reference": "x" * 129},
        {"period": "P1M", "reference": "a\nb"},
        {"period": "P1M", "months": 1},
    ):
        answer = await world.a.api.post(f"/v1/lines/{line['id']}/renew", body)
        problem_of(answer, 422, "invalid_request")
    assert len(world.calls()) == calls


async def test_a_reference_belongs_to_its_line_and_a_repeat_answers_as_the_first(
    world: World,
) -> None:
    one, two = await world.line(), await world.line()
    body = {"period": "P1M", "reference": "INV 7/2027"}
    first = await world.a.api.ok("POST", f"/v1/lines/{one['id']}/renew", body)
    await world.a.api.ok("POST", f"/v1/lines/{two['id']}/renew", body)
    edits = len(world.calls("edit"))
    for again in (body, body | {"period": "P9Y"}):
        repeated = await world.a.api.post(f"/v1/lines/{one['id']}/renew", again)
        assert repeated.status_code == 200, repeated.text
        assert repeated.json()["expires_at"] == first["expires_at"]
    assert len(world.calls("edit")) == edits
    await world.a.api.ok("POST", f"/v1/lines/{one['id']}/terminate")
    ended = await world.a.api.post(f"/v1/lines/{one['id']}/renew", body)
    assert ended.status_code == 200
    foreign = await world.b.api.post(f"/v1/lines/{one['id']}/renew", body)
    problem_of(foreign, 404, "not_found")


async def test_never_needs_the_policy(world: World) -> None:
    tenant = await world.reseller("bounded", may_never_expire=False)
    line = await world.line(tenant.api)
    sent = changes_sent(world)
    answer = await tenant.api.post(f"/v1/lines/{line['id']}/renew", {"never_expires": True})
    assert pointers(problem_of(answer, 403, "field_not_allowed")) == ["/never_expires"]
    assert changes_sent(world) == sent
    never = await world.operator.ok(
        "POST", f"/v1/lines/{line['id']}/renew", {"never_expires": True}
    )
    assert never["expires_at"] is None


async def test_a_renewal_does_not_wake_a_suspended_line(world: World) -> None:
    line = await world.line()
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend")
    found = await world.a.api.ok("POST", f"/v1/lines/{line['id']}/renew", {"period": "P1M"})
    assert found["state"] == "suspended"
    assert world.user(line["username"])["enabled"] == 0
