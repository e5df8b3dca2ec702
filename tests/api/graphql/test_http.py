"""GraphQL over HTTP: requests, negotiation and statuses."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from gateway.domain.errors import ServiceUnavailable
from tests.api.graphql.support import EVENTS, JSON, KEY, RESPONSE, Served

HELLO = {"query": "{ hello }"}
NO_JSON = f"{JSON};q=0, {RESPONSE};q=0, */*"


@pytest.fixture
def served(unserved: Served) -> Served:
    return unserved


async def post(served: Served, body: object, **headers: str) -> httpx2.Response:
    async with served.client(**KEY) as client:
        return await client.post(
            served.url,
            content=json.dumps(body).encode(),
            headers={"content-type": JSON} | headers,
        )


async def get(served: Served, headers: dict[str, str] | None = None, **query: str) -> Any:
    async with served.client(**KEY) as client:
        return await client.get(served.url, params=query, headers=headers or {})


def assert_refused(response: httpx2.Response, status: int, code: str, *pointers: str) -> Any:
    """Check that *response* is one error and no data, with faults at exactly these places."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] in {
        f"{RESPONSE}; charset=utf-8",
        f"{JSON}; charset=utf-8",
    }
    payload = response.json()
    assert set(payload) == {"errors"}
    (error,) = payload["errors"]
    assert set(error) == {"message", "extensions"}
    extensions = error["extensions"]
    assert extensions["code"] == code
    assert extensions["requestId"] == response.headers["x-request-id"]
    assert sorted(fault["pointer"] for fault in extensions.get("errors", [])) == sorted(pointers)
    return extensions


async def test_an_answer_is_not_stored_and_differs_by_caller(served: Served) -> None:
    response = await post(served, HELLO, accept=RESPONSE)
    assert response.json() == {"data": {"hello": "hello you"}}
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept, Authorization, Origin"
    assert response.headers["content-type"] == f"{RESPONSE}; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{JSON}, {RESPONSE}", RESPONSE),
        (f"{JSON}, text/plain, */*", JSON),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{RESPONSE};q=0.8, {JSON};q=0.9", JSON),
        (f"{RESPONSE};q=0, */*", JSON),
        (f"{JSON};q=0, */*", RESPONSE),
        (f"{RESPONSE};charset=utf-8", RESPONSE),
        (f"{EVENTS}, {JSON}", JSON),
        (f"{EVENTS}, {JSON};q=0.5", EVENTS),
        ("Application/GraphQL-Response+JSON", RESPONSE),
        ("text/html, */*;q=0.1", JSON),
    ],
)
async def test_the_answer_has_the_form_that_is_wished(
    served: Served, accept: str | None, media: str
) -> None:
    async with served.client(**KEY) as client:
        request = client.build_request("POST", served.url, json=HELLO)
        del request.headers["accept"]
        if accept is not None:
            request.headers["accept"] = accept
        response = await client.send(request)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", "image/*", f"{JSON};q=0", "*/*;q=0", NO_JSON])
async def test_no_form_of_ours_is_not_acceptable(served: Served, accept: str) -> None:
    assert_refused(await post(served, HELLO, accept=accept), 406, "not_acceptable")


@pytest.mark.parametrize("accept", [JSON, RESPONSE, "text/html"])
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer nobody", "Basic eDp5", "Bearer a, Bearer b"]
)
async def test_without_a_key_nothing_is_read(
    served: Served, accept: str, authorization: str | None
) -> None:
    headers = {"accept": accept, "content-type": "text/plain"}
    if authorization is not None:
        headers["authorization"] = authorization
    async with served.client() as client:
        response = await client.post(served.url, content=b"{", headers=headers)
    assert_refused(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"
    expected = RESPONSE if accept == RESPONSE else JSON
    assert response.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=latin-1",
        "application/merge-patch+json",
    ],
)
async def test_only_json_is_read(served: Served, media_type: str | None) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    async with served.client(**KEY) as client:
        response = await client.post(
            served.url, content=json.dumps(HELLO).encode(), headers=headers
        )
    assert_refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NONSENSE",
        b'{"query":"{ hello }","query":"{ hello }"}',
        b'{"query":"{ hello }","variables":{"a":NaN}}',
        b'{"query":"{ hello }","variables":' + b'{"a":' * 32 + b"1" + b"}" * 32 + b"}",
        b'{"query":"\xff"}',
    ],
)
async def test_what_is_not_one_json_value_is_malformed(
    served: Served, accept: str, body: bytes
) -> None:
    headers = {"content-type": JSON, "accept": accept}
    async with served.client(**KEY) as client:
        response = await client.post(served.url, content=body, headers=headers)
    assert_refused(response, 400, "malformed_body")


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([HELLO], ""),
        ("{ hello }", ""),
        (7, ""),
        (None, ""),
        ({}, "/query"),
        ({"queries": "{ hello }"}, "/query"),
        ({"query": 7}, "/query"),
        ({"query": None}, "/query"),
        ({"documentId": ["known"]}, "/documentId"),
        (HELLO | {"documentId": "known"}, "/documentId"),
        (HELLO | {"operationName": 7}, "/operationName"),
        (HELLO | {"variables": [7]}, "/variables"),
        (HELLO | {"variables": "{}"}, "/variables"),
        (HELLO | {"extensions": []}, "/extensions"),
    ],
)
async def test_members_of_another_type_are_refused(
    served: Served, accept: str, body: object, pointer: str
) -> None:
    response = await post(served, body, accept=accept)
    extensions = assert_refused(response, 400, "invalid_request", pointer)
    assert extensions["status"] == 422


async def test_all_faults_are_told_at_once(served: Served) -> None:
    response = await post(served, {"query": 1, "variables": 2, "extensions": 3})
    assert_refused(response, 400, "invalid_request", "/query", "/variables", "/extensions")


async def test_unknown_members_are_ignored(served: Served) -> None:
    response = await post(served, HELLO | {"id": 7, "extensions": {"a": [1]}, "variables": None})
    assert response.json() == {"data": {"hello": "hello you"}}


async def test_a_document_is_named_instead_of_sent(served: Served) -> None:
    assert (await post(served, {"documentId": "known"})).json() == {"data": {"hello": "hello you"}}
    assert (await get(served, documentId="known")).json() == {"data": {"hello": "hello you"}}
    unknown = await post(served, {"documentId": "other"}, accept=RESPONSE)
    assert_refused(unknown, 404, "not_found")


async def test_a_get_takes_everything_from_the_query(served: Served) -> None:
    response = await get(
        served,
        query="query A($n: String!) { hello(name: $n) } query B { hello }",
        variables='{"n":"é"}',
        operationName="A",
        extensions="",
        other="ignored",
    )
    assert response.json() == {"data": {"hello": "hello é"}}


async def test_an_empty_parameter_is_no_parameter(served: Served) -> None:
    response = await get(served, query="{ hello }", variables="", operationName="", documentId="")
    assert response.json() == {"data": {"hello": "hello you"}}


@pytest.mark.parametrize(
    ("query", "code", "pointers"),
    [
        ("", "invalid_request", ["?query"]),
        ("query=", "invalid_request", ["?query"]),
        ("query={hello}&query={hello}", "invalid_request", ["?query"]),
        ("query={hello}&documentId=known", "invalid_request", ["?documentId"]),
        ("query={hello}&variables=[1]", "invalid_request", ["?variables"]),
        ("query={hello}&variables=null", None, []),
        ("query={hello}&variables={", "malformed_body", []),
        ('query={hello}&variables={"a":1,"a":2}', "malformed_body", []),
        ("query=%FF", "invalid_request", ["?"]),
    ],
)
async def test_a_wrong_query_is_refused(
    served: Served, query: str, code: str | None, pointers: list[str]
) -> None:
    async with served.client(**KEY) as client:
        response = await client.get(f"{served.url}?{query}")
    if code is None:
        assert response.status_code == 200
    else:
        assert_refused(response, 400, code, *pointers)


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_a_get_changes_nothing(served: Served, accept: str) -> None:
    response = await get(served, {"accept": accept}, query="mutation { touch }")
    assert_refused(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "OPTIONS, POST"
    assert served.executor.touched == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "BREW"])
async def test_other_methods_are_told_which_there_are(served: Served, method: str) -> None:
    async with served.client() as client:
        response = await client.request(method, served.url)
        head = await client.head(served.url)
        options = await client.options(served.url)
    assert_refused(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, OPTIONS, POST"
    assert (head.status_code, head.content) == (405, b"")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, OPTIONS, POST")


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (RESPONSE, 400)])
@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": ""},
        {"query": "{ unknown }"},
        {"query": "query A { hello } query B { hello }"},
        {"query": "query($n: String!) { hello(name: $n) }"},
        {"query": "subscription { count(to: 1) }"},
    ],
)
async def test_a_wrong_document_has_the_status_that_its_readers_know(
    served: Served, accept: str, status: int, body: object
) -> None:
    response = await post(served, body, accept=accept)
    assert response.status_code == status
    assert set(response.json()) == {"errors"}


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_a_failed_field_leaves_the_others(served: Served, accept: str) -> None:
    response = await post(served, {"query": "{ hello nothing }"}, accept=accept)
    assert response.status_code == 200
    payload = response.json()
    assert payload["data"] == {"hello": "hello you", "nothing": None}
    (error,) = payload["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["nothing"], "not_found")


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_our_own_faults_are_no_success(served: Served, accept: str) -> None:
    served.executor.broken = ServiceUnavailable("The database is down.", retry_after_seconds=7)
    response = await post(served, HELLO, accept=accept)
    extensions = assert_refused(response, 503, "service_unavailable")
    assert extensions["retryAfterSeconds"] == 7
    assert response.headers["retry-after"] == "7"
    served.executor.broken = ValueError("secret-of-the-code")
    response = await post(served, HELLO, accept=accept)
    assert_refused(response, 500, "internal_error")
    assert "secret" not in response.text
    assert [str(error) for error in served.telemetry.broken] == ["secret-of-the-code"]


async def test_a_key_that_cannot_be_looked_up_is_not_refused(served: Served) -> None:
    served.keys.down = True
    assert_refused(await post(served, HELLO), 503, "service_unavailable")


async def test_a_body_over_the_limit_is_a_problem_as_everywhere(served: Served) -> None:
    response = await post(served, {"query": "#" * 1024 * 1024 + "{ hello }"})
    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


async def test_the_log_line_knows_route_caller_and_code(served: Served) -> None:
    await post(served, HELLO)
    await post(served, {"query": "{"})
    await get(served, query="mutation Secret { touch }")
    await served.until_told(3)
    lines = [(it.method, it.route, it.status, it.code) for it in served.telemetry.ended]
    assert lines == [
        ("POST", "/graphql", 200, None),
        ("POST", "/graphql", 200, "invalid_request"),
        ("GET", "/graphql", 405, "method_not_allowed"),
    ]
    assert {it.caller.id for it in served.telemetry.ended if it.caller} == {"op"}


async def test_what_the_caller_prefers_arrives(served: Served) -> None:
    headers = {"cache-control": "no-cache", "prefer": "wait=9"}
    response = await post(served, {"query": "{ seen }"}, **headers)
    assert response.json()["data"]["seen"] == ["op", "True", "9"]


async def test_the_path_is_exact(served: Served) -> None:
    async with served.client(**KEY) as client:
        response = await client.post(f"{served.url}/", json=HELLO)
    assert response.status_code == 404
