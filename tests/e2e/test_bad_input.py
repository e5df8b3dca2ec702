"""Bad input gets a clear problem, and the panel hears nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world import World

GOOD = {"period": "P1M"}
DEEP = b'{"metadata":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}"


@pytest.mark.parametrize(
    "change",
    [
        {"username": ["anna"]},
        {"username": {"a": 1}},
        {"username": 7},
        {"username": ""},
        {"username": "0"},
        {"username": "a" * 300},
        {"username": "a\x00b"},
        {"username": "a\nb"},
        {"username": "../etc"},
        {"username": "an na"},
        {"username": "anna😀"},
        {"username": "a&user_data[member_id]=1"},
        {"password": "p" * 65},
        {"password": "0"},
        {"password": "a%b"},
        {"notes": "a\x07b"},
        {"notes": "../../x"},
        {"notes": "<script>alert(1)</script>"},
        {"notes": "smile 😀"},
        {"notes": "back\\slash"},
        {"max_connections": "3"},
        {"max_connections": 0},
        {"max_connections": 1001},
        {"max_connections": 1.5},
        {"max_connections": True},
        {"bouquet_ids": "1,2"},
        {"bouquet_ids": [1, "2"]},
        {"bouquet_ids": [-1]},
        {"bouquet_ids": [2**31]},
        {"expires_at": "2027-13-01T00:00:00Z", "period": None},
        {"expires_at": "2027-01-31", "period": None},
        {"expires_at": 1_800_000_000, "period": None},
        {"expires_at": "2020-01-01T00:00:00Z", "period": None},
        {"expires_at": "2038-01-01T00:00:00Z", "period": None},
        {"expires_at": "2030-01-01T00:00:00Z"},
        {"period": None},
        {"period": "1 month"},
        {"period": "P0D"},
        {"period": "P9999Y"},
        {"never_expires": True},
        {"never_expires": "yes", "period": None},
        {"allowed_ips": ["300.1.1.1"]},
        {"allowed_ips": "203.0.113.7"},
        {"metadata": {"k": 1}},
        {"metadata": {"k" * 41: "v"}},
        {"metadata": {f"k{i}": "v" for i in range(51)}},
        {"external_id": "a b"},
        {"external_id": ""},
        {"plan_id": "plan_x"},
        {"panel_id": "pnl_x"},
        {"nonsense": 1},
        {"user_data[is_admin]": 1},
        {"id": 5},
    ],
    ids=lambda change: str(change)[:60],
)
async def test_bad_fields_are_refused_before_anything_is_done(
    small_world: World, change: dict[str, Any]
) -> None:
    asked = {k: v for k, v in (GOOD | change).items() if not (k == "period" and v is None)}
    answer = await small_world.a.api.post("/v1/lines", asked)
    problem = answer.json()
    assert 400 <= answer.status_code < 500, problem
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    if answer.status_code == 422:
        assert problem["code"] == "invalid_request"
        assert problem["errors"]
    else:
        assert problem["code"] == "not_found", problem
    assert not small_world.calls()


async def test_all_faults_are_told_at_once(small_world: World) -> None:
    answer = await small_world.a.api.post(
        "/v1/lines",
        {"username": "a b", "max_connections": "3", "nonsense": 1, "bouquet_ids": [1, "x"]},
    )
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert {"/username", "/max_connections", "/nonsense", "/bouquet_ids/1"} <= pointers
    assert len(pointers) >= 5  # And that there is no term.


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "malformed_body"),
        (b"{", 400, "malformed_body"),
        (b'{"period":"P1M","period":"P2M"}', 400, "malformed_body"),
        (b'{"max_connections":NaN}', 400, "malformed_body"),
        (b'{"max_connections":Infinity}', 400, "malformed_body"),
        (b'{"period":"P1M"} x', 400, "malformed_body"),
        (b'\xff\xfe{"period":"P1M"}', 400, "malformed_body"),
        (DEEP, 400, "malformed_body"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b'"x"', 422, "invalid_request"),
        (b'{"notes":"' + b"x" * 10_000_000 + b'"}', 413, "body_too_large"),
    ],
    ids=[
        "empty",
        "cut",
        "twice",
        "nan",
        "inf",
        "junk",
        "utf16",
        "deep",
        "list",
        "null",
        "text",
        "10 MB",
    ],
)
async def test_bad_bodies_are_refused(
    small_world: World, content: bytes, status: int, code: str
) -> None:
    answer = await small_world.a.api.send("POST", "/v1/lines", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not small_world.calls()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/lines?limit=0",
        "/v1/lines?limit=201",
        "/v1/lines?limit=x",
        "/v1/lines?cursor=nope",
        "/v1/lines?nonsense=1",
        "/v1/lines?state=happy",
        "/v1/lines?expires_before=yesterday",
        "/v1/audit/entries?phase=maybe",
        "/v1/operations?state=lost",
    ],
)
async def test_bad_queries_are_refused(small_world: World, path: str) -> None:
    answer = await small_world.a.api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/lines/42", 404, "not_found"),
        ("GET", "/v1/lines/op_01jdz0000000000000000000000", 404, "not_found"),
        ("GET", "/v1/lines/..%2F..%2Fetc", 404, "not_found"),
        ("PUT", "/v1/lines", 405, "method_not_allowed"),
        ("DELETE", "/v1/me", 405, "method_not_allowed"),
    ],
)
async def test_bad_addresses_are_problems_too(
    small_world: World, method: str, path: str, status: int, code: str
) -> None:
    answer = await small_world.a.api.send(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


async def test_no_key_and_wrong_keys_are_unauthenticated(small_world: World) -> None:
    for key in (None, "", "x", "xgw_" + "A" * 43, "xgw_" + "é" * 43):
        headers = {} if key is None else {"Authorization": f"Bearer {key}".encode()}
        answer = await small_world.client.get("/v1/lines", headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
