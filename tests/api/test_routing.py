"""Requests that reach a route: what its endpoint is called with, and what its answer becomes."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.rest.dispatch import RestRoutes
from gateway.api.rest.query import PARAMETERS_MAX
from gateway.api.rest.routing import get
from gateway.domain.ids import ALPHABET, LineId
from gateway.domain.paging import encode_cursor
from gateway.services.context import Context
from tests.api.support import (
    LINE_ID,
    OPERATION,
    OPERATOR,
    ROUTES,
    ThingOut,
    api,
    assert_problem,
    create_thing,
    some_ports,
)

THING = f"/v1/things/{LINE_ID}"


async def context_of(**headers: str) -> Any:
    """Return what a touch was called with under these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await api().post(f"{THING}/touch", headers=OPERATOR | named)
    assert response.status_code == 200, response.text
    return response.json()["context"]


# --- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line_id",
    [
        "x",
        "line_",
        "line_0",
        LINE_ID + "0",
        LINE_ID.upper(),
        LINE_ID.replace("line_", "rsl_"),
        "line_" + "u" * 26,
        "line_" + "\u0660" * 26,
        "%00",
        "..%2F..%2Fetc",
        "😀",
    ],
)
async def test_an_id_of_another_shape_is_not_found(line_id: str) -> None:
    response = await api().get(f"/v1/things/{line_id}", headers=OPERATOR)
    assert_problem(response, 404, "not_found")


async def test_a_well_formed_id_reaches_the_endpoint() -> None:
    line_id = f"line_{ALPHABET[:26]}"
    response = await api().get(f"/v1/things/{line_id}", headers=OPERATOR)
    assert response.json()["id"] == line_id


def test_one_place_has_one_route_and_one_name() -> None:
    with pytest.raises(ValueError, match="two routes for POST /v1/things"):
        RestRoutes((*ROUTES, create_thing), some_ports())

    @get("/v1/things/{other_id}/more", needs=None)
    async def more(context: Context, other_id: LineId) -> ThingOut:
        raise NotImplementedError

    with pytest.raises(ValueError, match="two names for one place"):
        RestRoutes((*ROUTES, more), some_ports())


# --- query ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("limit=0", ["?limit"]),
        ("limit=201", ["?limit"]),
        ("limit=-1", ["?limit"]),
        ("limit=", ["?limit"]),
        ("limit=ten", ["?limit"]),
        ("limit=1e1", ["?limit"]),
        ("limit=%2B5", ["?limit"]),
        ("limit=5%20", ["?limit"]),
        ("limit=1_0", ["?limit"]),
        ("limit=%D9%A5", ["?limit"]),
        ("limit=99999999999999999999", ["?limit"]),
        ("cursor=nonsense", ["?cursor"]),
        ("cursor=", ["?cursor"]),
        ("cursor=" + encode_cursor("rsl_" + "0" * 26), ["?cursor"]),
        ("cursor=%F0%9F%98%80", ["?cursor"]),
        ("page=2", ["?page"]),
        ("limit=5&limit=6", ["?limit"]),
        ("Limit=5", ["?Limit"]),
        ("limit=0&cursor=x&page=2", ["?limit", "?cursor", "?page"]),
        ("name=%00", ["?name"]),
        ("name=" + "n" * 300, ["?name"]),
        ("%FF=1", ["?"]),
        ("name=%ED%A0%80", ["?"]),
        ("&".join(f"a{n}=1" for n in range(PARAMETERS_MAX + 1)), ["?"]),
        ("a" * 5_000 + "=1", ["?" + "a" * 199 + "..."]),
    ],
)
async def test_a_wrong_parameter_is_invalid(query: str, pointers: list[str]) -> None:
    response = await api().get(f"/v1/things?{query}", headers=OPERATOR)
    assert_problem(response, 422, "invalid_request", *pointers)


async def test_a_route_without_parameters_refuses_them() -> None:
    response = await api().get(f"{THING}?dry_run=true", headers=OPERATOR)
    problem = assert_problem(response, 422, "invalid_request", "?dry_run")
    assert problem["errors"][0]["code"] == "unknown_field"


@pytest.mark.parametrize("limit", [1, 50, 200])
async def test_a_limit_within_bounds_is_taken(limit: int) -> None:
    response = await api().get(f"/v1/things?limit={limit}", headers=OPERATOR)
    assert response.status_code == 200


# --- pages ---------------------------------------------------------------------------------------


async def test_a_page_links_to_the_next_with_the_same_filter() -> None:
    client = api()
    first = await client.get("/v1/things?name=a%26b&limit=1", headers=OPERATOR)
    cursor = encode_cursor(LINE_ID)
    assert first.json()["next_cursor"] == cursor
    link = f'</v1/things?name=a%26b&limit=1&cursor={cursor}>; rel="next"'
    assert first.headers["link"] == link

    second = await client.get(first.links["next"]["url"], headers=OPERATOR)
    (thing,) = second.json()["data"]
    assert (thing["name"], thing["context"]) == ("a&b", {"after": LINE_ID})
    assert second.json()["next_cursor"] is None
    assert "link" not in second.headers


# --- headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "version"),
    [
        ('"3"', 3),
        (' "3" ', 3),
        ("*", None),
        ('"0"', -1),
        ('"03"', -1),
        ('"abc"', -1),
        ('""', -1),
        ('W/"3"', -1),
        ('"' + "9" * 400 + '"', -1),
    ],
)
async def test_if_match_names_a_version(value: str, version: int | None) -> None:
    assert (await context_of(if_match=value))["if_version"] == version


@pytest.mark.parametrize("value", ["3", "", '"3', '"3", "4"', '3"', 'w/"3"', '"a b"', "**"])
async def test_a_malformed_if_match_is_invalid(value: str) -> None:
    headers = OPERATOR | {"if-match": value}
    response = await api().post(f"{THING}/touch", headers=headers)
    assert_problem(response, 422, "invalid_request", "If-Match")


async def test_a_route_without_versions_ignores_if_match() -> None:
    response = await api().post(f"{THING}/poke", headers=OPERATOR | {"if-match": "nonsense"})
    assert response.json()["context"]["if_version"] is None


@pytest.mark.parametrize("key", ["a", "k" * 255, "two words", '"quoted"', "~!{}"])
async def test_an_idempotency_key_is_taken_as_it_is(key: str) -> None:
    context = await context_of(idempotency_key=key)
    assert context["key"] == key
    assert context["request"] == f'["POST","{THING}/touch",[],null]'


@pytest.mark.parametrize("key", [b"", b"k" * 256, b"\xc3\xa9", b"tab\tinside"])
async def test_another_idempotency_key_is_invalid(key: bytes) -> None:
    headers = [(b"authorization", b"Bearer operator"), (b"idempotency-key", key)]
    response = await api().post(f"{THING}/touch", headers=headers)
    assert_problem(response, 422, "invalid_request", "Idempotency-Key")


async def test_two_idempotency_keys_are_invalid() -> None:
    headers = [("authorization", "Bearer operator"), ("idempotency-key", "a")] * 1
    response = await api().post(f"{THING}/touch", headers=[*headers, ("idempotency-key", "b")])
    assert_problem(response, 422, "invalid_request", "Idempotency-Key")


async def test_a_read_has_no_idempotency_key() -> None:
    response = await api().get(THING, headers=OPERATOR | {"idempotency-key": "k" * 999})
    assert response.json()["context"]["key"] is None


@pytest.mark.parametrize(
    ("value", "fresh"),
    [("no-cache", True), ("max-age=0, No-Cache", True), ("no-store", False), ("", False)],
)
async def test_no_cache_asks_for_a_fresh_value(*, value: str, fresh: bool) -> None:
    response = await api().get(THING, headers=OPERATOR | {"cache-control": value})
    assert response.json()["context"]["no_cache"] is fresh


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/*",
        "text/html, application/json;q=0.1",
        "text/html;q=1.0, */*;q=0.1",
        "APPLICATION/JSON; charset=utf-8",
        "",
    ],
)
async def test_who_accepts_json_gets_it(accept: str) -> None:
    response = await api().get(THING, headers=OPERATOR | {"accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/json;q=0, */*", "application/xml", "*/*;q=0.0", "image/*"],
)
async def test_who_does_not_accept_json_is_told(accept: str) -> None:
    response = await api().get(THING, headers=OPERATOR | {"accept": accept})
    assert_problem(response, 406, "not_acceptable")


# --- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{}", b' {"reason":null} '])
async def test_an_optional_body_may_be_missing(body: bytes) -> None:
    headers = OPERATOR | {"content-type": "application/json"}
    response = await api().post(f"{THING}/touch", headers=headers, content=body)
    assert response.json()["name"] == "None"


async def test_a_needed_body_must_be_there() -> None:
    assert_problem(await api().post("/v1/things", headers=OPERATOR), 400, "malformed_body")


async def test_a_route_without_body_takes_an_empty_object_only() -> None:
    client = api()
    assert (await client.post(f"{THING}/poke", headers=OPERATOR, json={})).status_code == 200
    response = await client.post(f"{THING}/poke", headers=OPERATOR, json={"reason": "x"})
    assert_problem(response, 422, "invalid_request", "/reason")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=UTF-8",
        'Application/JSON; charset="utf-8"',
        "application/merge-patch+json",
    ],
)
async def test_a_patch_is_json_or_merge_patch(content_type: str) -> None:
    headers = OPERATOR | {"content-type": content_type}
    response = await api().patch(THING, headers=headers, content=b'{"at":null}')
    assert response.json()["context"]["at"] == "None"
    assert "name" not in response.json()["context"]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("content-type", "text/plain")],
        [("content-type", "application/x-www-form-urlencoded")],
        [("content-type", "application/merge-patch+json")],
        [("content-type", "application/json; charset=latin-1")],
        [("content-type", "application/json"), ("content-type", "application/json")],
        [("content-type", "application/json"), ("content-encoding", "gzip")],
    ],
)
async def test_another_media_type_is_unsupported(headers: list[tuple[str, str]]) -> None:
    given = [*OPERATOR.items(), *headers]
    response = await api().post("/v1/things", headers=given, content=b'{"name":"x"}')
    assert_problem(response, 415, "unsupported_media_type")


async def test_all_faults_come_at_once() -> None:
    headers = OPERATOR | {"idempotency-key": "k" * 256}
    body = {
        "username": "bad name",
        "count": 11,
        "parts": [{"size": 1}, {"size": "1", "extra": 1}],
        "labels": {"a/b~c": "long"},
        "left": True,
        "right": True,
        "unknown": None,
    }
    response = await api().post("/v1/things?x=1", headers=headers, json=body)
    assert_problem(
        response,
        422,
        "invalid_request",
        "Idempotency-Key",
        "?x",
        "/name",
        "/username",
        "/count",
        "/parts/1/size",
        "/parts/1/extra",
        "/labels/a~1b~0c",
        "/unknown",
        "",
    )


async def test_many_faults_are_cut_at_a_hundred() -> None:
    body = {"name": "x"} | {f"field{number}": 1 for number in range(1_000)}
    response = await api().post("/v1/things", headers=OPERATOR, json=body)
    problem = response.json()
    assert len(problem["errors"]) == 100
    assert "1000 faults, of which the first 100 are listed" in problem["detail"]


# --- answers -------------------------------------------------------------------------------------


async def test_a_created_thing_has_a_place_and_a_version() -> None:
    response = await api().post("/v1/things", headers=OPERATOR, json={"name": "x"})
    assert response.status_code == 201
    assert response.headers["location"] == THING
    assert response.headers["etag"] == '"3"'
    assert response.headers["cache-control"] == "no-store"
    assert "idempotent-replayed" not in response.headers


async def test_a_replayed_answer_says_so() -> None:
    response = await api().post("/v1/things", headers=OPERATOR, json={"name": "again"})
    assert (response.status_code, response.headers["idempotent-replayed"]) == (201, "true")


async def test_an_open_change_answers_its_operation() -> None:
    response = await api().post("/v1/things", headers=OPERATOR, json={"name": "open"})
    assert response.status_code == 202
    assert response.headers["location"] == f"/v1/operations/{OPERATION.id}"
    body = response.json()
    assert (body["id"], body["object"]) == (OPERATION.id, "operation")
    assert "etag" not in response.headers


async def test_a_change_without_any_outcome_is_a_bug() -> None:
    response = await api().post("/v1/things", headers=OPERATOR, json={"name": "lost"})
    assert_problem(response, 500, "internal_error")


async def test_a_deleted_thing_leaves_nothing_to_say() -> None:
    client = api()
    response = await client.delete(THING, headers=OPERATOR)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    again = await client.delete(THING, headers=OPERATOR | {"idempotency-key": "k"})
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("cache_control", "status"),
    [("", "xtream-gateway; hit"), ("no-cache", "xtream-gateway; fwd=stale")],
)
async def test_a_cached_read_tells_its_age(cache_control: str, status: str) -> None:
    response = await api().get(THING, headers=OPERATOR | {"cache-control": cache_control})
    assert response.headers["age"] == "7"
    assert response.headers["cache-status"] == status
    assert response.headers["etag"] == '"3"'


async def test_a_read_without_the_panel_has_no_age() -> None:
    response = await api().get(THING, headers={"authorization": "Bearer reseller"})
    assert response.status_code == 200
    assert "age" not in response.headers
    assert "cache-status" not in response.headers


async def test_times_come_out_with_z() -> None:
    body = {"name": "x", "at": "2027-01-31T02:00:00.5+02:00"}
    response = await api().post("/v1/things", headers=OPERATOR, json=body)
    assert response.json()["at"] == "2027-01-31T00:00:00.500000Z"


async def test_a_kept_error_is_replayed_with_its_operation() -> None:
    response = await api().post(f"{THING}/break", headers=OPERATOR, json={"reason": "conflict"})
    problem = assert_problem(response, 409, "state_conflict")
    assert problem["operation_id"] == OPERATION.id
    assert response.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(("reason", "seconds"), [("panel", "9"), ("database", "5")])
async def test_an_unavailable_panel_says_when_to_come_back(reason: str, seconds: str) -> None:
    response = await api().post(f"{THING}/break", headers=OPERATOR, json={"reason": reason})
    assert_problem(response, 503, "panel_unavailable")
    assert response.headers["retry-after"] == seconds
