"""Whatever is sent to whichever route: a problem, and no port is touched."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.rest.routing import Route
from gateway.api.rest.table import TABLE
from gateway.domain.ids import ALPHABET
from tests.api.support import OPERATOR, api, assert_problem

MIB = 1024 * 1024
HEADERS = OPERATOR | {"content-type": "application/json"}

#: Body -> the status and code that it gets from every route which takes a body.
BODIES: dict[str, tuple[bytes, int, str]] = {
    "an array": (b"[]", 422, "invalid_request"),
    "a string": (b'"x"', 422, "invalid_request"),
    "null": (b"null", 422, "invalid_request"),
    "unknown fields": (b'{"nonsense":1,"__proto__":{}}', 422, "invalid_request"),
    "an unknown emoji": ('{"😀":"😀"}'.encode(), 422, "invalid_request"),
    "a NUL in a name": (b'{"a\\u0000b":1}', 422, "invalid_request"),
    "a long name": (b'{"' + b"n" * 100_000 + b'":1}', 422, "invalid_request"),
    "a path": (b'{"../../etc/passwd":1}', 422, "invalid_request"),
    "a key twice": (b'{"name":"a","name":"b"}', 400, "malformed_body"),
    "NaN": (b'{"name":NaN}', 400, "malformed_body"),
    "deep nesting": (b'{"name":' + b"[" * 100_000, 400, "malformed_body"),
    "cut off": (b'{"name":', 400, "malformed_body"),
    "raw bytes": (bytes(range(256)), 400, "malformed_body"),
    "10 MB": (b'{"name":"' + b"a" * (10 * MIB) + b'"}', 413, "body_too_large"),
}
WITH_BODY = [route for route in TABLE if route.body is not None]


def path_of(route: Route) -> str:
    """Return the path with well-formed parts in it."""
    parts = {name: f"{kind}_{ALPHABET[:26]}" for name, kind in route.ids.items()}
    # As one text looks that every pattern of a part takes.
    parts |= dict.fromkeys(route.texts, f"sha256:{'0' * 64}")
    return re.sub(r"{(\w+)}", lambda match: parts[match[1]], route.path)


@pytest.mark.parametrize(("body", "status", "code"), BODIES.values(), ids=BODIES)
async def test_a_hostile_body_is_a_problem_on_every_route(
    body: bytes, status: int, code: str
) -> None:
    client = api(TABLE)
    for route in WITH_BODY:
        response = await client.request(route.method, path_of(route), headers=HEADERS, content=body)
        assert response.status_code == status, (route.name, response.text)
        assert response.json()["code"] == code
        assert len(response.content) < 2_000


@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "limit=%00", "cursor=%F0%9F%98%80", "limit=1&limit=2", "%FF", "q=%ED%A0%80"],
)
async def test_a_hostile_query_is_a_problem_on_every_route(query: str) -> None:
    client = api(TABLE)
    for route in TABLE:
        response = await client.request(
            route.method, f"{path_of(route)}?{query}", headers=HEADERS, content=b"{}"
        )
        assert response.status_code == 422, (route.name, response.text)
        assert response.json()["code"] == "invalid_request"


@pytest.mark.parametrize(
    "bad",
    [
        "a%20b",
        "a%2Fb",
        "%0A",
        "a%0A",
        "\u00e4",
        "%E2%82%AC",
        "a+b",
        "a" * 129,
        "%F0%9F%98%80",
    ],
)
async def test_a_hostile_external_id_is_not_found_on_every_route(bad: str) -> None:
    client = api(TABLE)
    for route in TABLE:
        if route.texts:
            path = re.sub(r"{\w+}", bad, route.path)
            response = await client.request(route.method, path, headers=HEADERS, content=b"{}")
            assert_problem(response, 404, "not_found")


@pytest.mark.parametrize(
    "bad", ["x", "..%2F..", "%00", "line_", "'--", "%F0%9F%98%80", "a" * 5_000]
)
async def test_a_hostile_id_is_not_found_on_every_route(bad: str) -> None:
    client = api(TABLE)
    for route in TABLE:
        if route.ids:
            path = re.sub(r"{\w+}", bad, route.path)
            response = await client.request(route.method, path, headers=HEADERS, content=b"{}")
            assert_problem(response, 404, "not_found")


async def answers(requests: list[tuple[str, dict[str, Any]]]) -> list[httpx2.Response]:
    client = api(TABLE)
    return [await client.post(path, **more) for path, more in requests]


@given(st.lists(st.binary(max_size=80), max_size=5))
def test_no_bytes_break_the_edge(bodies: list[bytes]) -> None:
    requests: list[tuple[str, dict[str, Any]]] = [
        ("/v1/lines", {"headers": HEADERS, "content": body}) for body in bodies
    ]
    for response in asyncio.run(answers(requests)):
        assert 400 <= response.status_code < 500


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "accept",
                "cache-control",
                "content-encoding",
                "content-type",
                "forwarded",
                "idempotency-key",
                "if-match",
                "x-forwarded-for",
                "x-request-id",
            ]
        ),
        st.binary(max_size=40),
    )
)
def test_no_header_breaks_the_edge(headers: dict[str, bytes]) -> None:
    sent = [(b"authorization", b"Bearer operator")]
    sent += [(name.encode(), value) for name, value in headers.items()]
    request: dict[str, Any] = {"headers": sent, "content": b'{"unknown":1}'}
    (response,) = asyncio.run(answers([("/v1/lines", request)]))
    assert 400 <= response.status_code < 500
