"""What every change takes besides its body: dry_run, Prefer, and a name of the caller's own."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.rest.preferences import LENGTH_MAX, NO_PREFERENCES, Preferences, preferences_of
from gateway.api.rest.query import NoQuery
from gateway.api.rest.routing import get, post
from gateway.api.rest.subscription_requests import PutQuery, named_by
from gateway.domain.errors import InvalidRequest
from gateway.domain.ids import ResellerId
from gateway.domain.periods import Period
from gateway.domain.subscriptions import NewSubscription, Term
from gateway.services.context import Context, Outcome
from tests.api.support import LINE_ID, OPERATOR, ThingOut, api, assert_problem

THING = f"/v1/things/{LINE_ID}"
NAMED = "/v1/things/by-name/whmcs:4711"
NEW = NewSubscription(term=Term(period=Period(months=1)))

# --- dry_run -------------------------------------------------------------------------------------


async def test_a_dry_run_tells_what_would_happen() -> None:
    response = await api().post("/v1/things?dry_run=true", headers=OPERATOR, json={"name": "x"})
    assert response.status_code == 200
    assert not {"location", "etag"} & set(response.headers)
    body = response.json()
    assert list(body) == ["dry_run", "effect", "credits", "panel_calls"]
    assert (body["dry_run"], body["credits"]) == (True, "0.00")
    assert body["effect"]["before"] is None
    assert body["effect"]["after"]["name"] == "x"
    assert body["panel_calls"] == [
        {
            "method": "POST",
            "path": "/api.php",
            "query": "action=user&sub=create",
            "form": {"username": "anna", "password": "***"},
        }
    ]


@pytest.mark.parametrize(("method", "path"), [("DELETE", THING), ("PUT", NAMED)])
async def test_a_dry_run_answers_200_whatever_the_method(method: str, path: str) -> None:
    response = await api().request(
        method, path, headers=OPERATOR, json={}, params={"dry_run": "true"}
    )
    assert (response.status_code, response.json()["dry_run"]) == (200, True)


async def test_a_dry_run_can_be_switched_off() -> None:
    response = await api().post("/v1/things?dry_run=false", headers=OPERATOR, json={"name": "x"})
    assert response.status_code == 201


@pytest.mark.parametrize("value", ["", "1", "True", "TRUE", "yes", "true ", "%00"])
async def test_dry_run_is_true_or_false(value: str) -> None:
    response = await api().post(f"/v1/things?dry_run={value}", headers=OPERATOR, json={"name": "x"})
    problem = assert_problem(response, 422, "invalid_request", "?dry_run")
    assert problem["errors"][0]["code"] == "unknown_value"


async def test_dry_run_twice_is_a_fault() -> None:
    url = "/v1/things?dry_run=true&dry_run=true"
    response = await api().post(url, headers=OPERATOR, json={"name": "x"})
    assert_problem(response, 422, "invalid_request", "?dry_run")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", THING), ("POST", f"{THING}/poke"), ("POST", "/v1/things/lookup")],
)
async def test_what_changes_nothing_cannot_be_tried(method: str, path: str) -> None:
    response = await api().request(
        method, path, headers=OPERATOR, json={}, params={"dry_run": "true"}
    )
    problem = assert_problem(response, 422, "invalid_request", "?dry_run")
    assert problem["errors"][0]["code"] == "unknown_field"


async def test_a_dry_run_ignores_the_idempotency_key_and_prefer() -> None:
    headers = OPERATOR | {"idempotency-key": "k", "prefer": "wait=5"}
    response = await api().post("/v1/things?dry_run=true", headers=headers, json={"name": "x"})
    context = response.json()["effect"]["after"]["context"]
    assert (context["key"], context["wait_seconds"]) == (None, None)
    assert "preference-applied" not in response.headers


async def test_a_dry_run_still_tells_all_faults() -> None:
    headers = OPERATOR | {"idempotency-key": "k" * 256}
    response = await api().post("/v1/things?dry_run=true&x=1", headers=headers, json={})
    assert_problem(response, 422, "invalid_request", "/name", "?x", "Idempotency-Key")


def test_every_change_can_be_tried_and_nothing_else() -> None:
    with pytest.raises(TypeError, match="POST /v1/a: a change, and nothing else"):

        @post("/v1/a", needs=None)
        async def change(context: Context, query: NoQuery) -> Outcome[ThingOut]:
            raise NotImplementedError

    with pytest.raises(TypeError, match="GET /v1/a: a change, and nothing else"):

        @get("/v1/a", needs=None)
        async def read(context: Context, query: PutQuery) -> ThingOut:
            raise NotImplementedError


# --- Prefer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["wait=10"], Preferences(wait=10)),
        (["Wait = 10"], Preferences(wait=10)),
        (['wait="10"'], Preferences(wait=10)),
        (["wait=0"], Preferences(wait=0)),
        (["wait=60"], Preferences(wait=60)),
        (["wait=61"], Preferences(wait=60)),
        (["wait=007"], Preferences(wait=7)),
        (["wait=" + "9" * 400], Preferences(wait=60)),
        (["wait=5, wait=9"], Preferences(wait=5)),
        (["wait=5", "wait=9"], Preferences(wait=5)),
        (["foo; bar=1, wait=5;x=y"], Preferences(wait=5)),
        (['foo="a, wait=1", wait=5'], Preferences(wait=5)),
        (["respond-async"], Preferences(respond_async=True)),
        (['RESPOND-ASYNC=""'], Preferences(respond_async=True)),
        (["respond-async, wait=10"], Preferences(wait=10, respond_async=True)),
        (["respond-async", "wait=10"], Preferences(wait=10, respond_async=True)),
        (["return=minimal"], NO_PREFERENCES),
        (["respond-async=yes"], NO_PREFERENCES),
        ([""], NO_PREFERENCES),
        ([", ,;,"], NO_PREFERENCES),
        (["wait"], NO_PREFERENCES),
        (["wait="], NO_PREFERENCES),
        (["wait=-1"], NO_PREFERENCES),
        (["wait=1.5"], NO_PREFERENCES),
        (["wait=ten"], NO_PREFERENCES),
        (["wait=\xb2"], NO_PREFERENCES),
        (['wait="5'], NO_PREFERENCES),
        (["wait 5"], NO_PREFERENCES),
        (["wait=5 " * 2], NO_PREFERENCES),
        (["wait=5" + " " * LENGTH_MAX], NO_PREFERENCES),
        (['"' * 999], NO_PREFERENCES),
    ],
)
def test_what_is_known_is_heeded_and_the_rest_ignored(
    given: list[str], expected: Preferences
) -> None:
    assert preferences_of({b"prefer": [each.encode("latin-1") for each in given]}) == expected


def test_without_the_header_there_is_no_preference() -> None:
    assert preferences_of({}) == NO_PREFERENCES
    assert NO_PREFERENCES.wait_seconds is None


@pytest.mark.parametrize(
    ("prefer", "name", "seconds", "applied"),
    [
        ("wait=5", "x", 5, "wait=5"),
        ("wait=99", "x", 60, "wait=60"),
        ("respond-async", "x", 0, None),
        ("respond-async, wait=3", "x", 3, "wait=3"),
        ("nonsense", "x", None, None),
    ],
)
async def test_a_change_waits_as_preferred(
    prefer: str, name: str, seconds: float | None, applied: str | None
) -> None:
    headers = OPERATOR | {"prefer": prefer}
    response = await api().post("/v1/things", headers=headers, json={"name": name})
    assert response.json()["context"]["wait_seconds"] == seconds
    assert response.headers.get("preference-applied") == applied


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("respond-async", "respond-async"),
        ("respond-async, wait=3", "respond-async, wait=3"),
        ("wait=3", "wait=3"),
    ],
)
async def test_an_open_change_tells_what_was_applied(prefer: str, applied: str) -> None:
    headers = OPERATOR | {"prefer": prefer}
    response = await api().post("/v1/things", headers=headers, json={"name": "open"})
    assert (response.status_code, response.headers["preference-applied"]) == (202, applied)


async def test_what_is_never_open_knows_no_preference() -> None:
    response = await api().patch(THING, headers=OPERATOR | {"prefer": "wait=5"}, json={})
    assert response.json()["context"]["wait_seconds"] is None
    assert "preference-applied" not in response.headers


# --- a name of the caller's own ------------------------------------------------------------------


@pytest.mark.parametrize(("name", "status"), [("new", 201), ("old", 200)])
async def test_a_put_creates_or_changes(name: str, status: int) -> None:
    response = await api().put(NAMED, headers=OPERATOR, json={"name": name})
    assert (response.status_code, response.json()["name"]) == (status, "whmcs:4711")
    assert response.headers.get("location") == (THING if status == 201 else None)
    assert response.headers["etag"] == '"3"'


@pytest.mark.parametrize("name", ["a", ".", "-", "A.b_c:d@e-9", "0" * 128, "lookup"])
async def test_a_name_may_hold_what_billing_systems_write(name: str) -> None:
    path = f"/v1/things/by-name/{name.replace('.', '%2E')}"
    response = await api().put(path, headers=OPERATOR, json={"name": "new"})
    assert response.json()["name"] == name


@pytest.mark.parametrize("name", ["", "a%20b", "a%2Fb", "%C3%A4", "0" * 129, "a%0A", "a+b", "%00"])
async def test_another_name_cannot_exist(name: str) -> None:
    response = await api().put(f"/v1/things/by-name/{name}", headers=OPERATOR, json={})
    assert_problem(response, 404, "not_found")


async def test_a_lookup_is_a_read() -> None:
    headers = OPERATOR | {"idempotency-key": "k" * 999, "cache-control": "no-cache"}
    response = await api().post("/v1/things/lookup", headers=headers, json={"reason": "it"})
    assert response.status_code == 200
    context = response.json()["context"]
    assert (context["key"], context["no_cache"]) == (None, True)


def test_a_put_is_named_by_its_path() -> None:
    new = named_by(NEW, "a", PutQuery())
    assert (new.external_id, new.reseller_id) == ("a", None)
    same = named_by(new, "a", PutQuery(reseller_id=ResellerId("rsl_1")))
    assert (same.external_id, same.reseller_id) == ("a", "rsl_1")
    assert named_by(same, "a", PutQuery()) == same


def test_a_put_that_contradicts_its_path_is_told() -> None:
    new: Any = named_by(NEW, "a", PutQuery(reseller_id=ResellerId("rsl_1")))
    with pytest.raises(InvalidRequest) as raised:
        named_by(new, "b", PutQuery(reseller_id=ResellerId("rsl_2")))
    assert [(fault.pointer, fault.code) for fault in raised.value.faults] == [
        ("/external_id", "not_allowed"),
        ("/reseller_id", "not_allowed"),
    ]
