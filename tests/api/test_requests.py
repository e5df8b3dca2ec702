"""What happens to every request, whatever it asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
from starlette.types import Message

from gateway.api.app import create_app
from gateway.api.options import ApiOptions, NoTelemetry
from tests.api.support import (
    LINE_ID,
    OPERATOR,
    ROUTES,
    Keys,
    Recorder,
    api,
    assert_problem,
    some_ports,
)

KIB = 1024


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/things", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/things/", 404),
        ("GET", "/v1//things", 404),
        ("GET", "/v1", 404),
        ("PUT", "/v1/things", 405),
        ("BREW", "/v1/things", 405),
        ("POST", "/livez", 405),
        ("OPTIONS", "/v1/things", 204),
        ("GET", "/livez", 200),
        ("GET", "/", 200),
    ],
)
async def test_every_response_has_a_request_id(method: str, path: str, status: int) -> None:
    response = await api().request(method, path, headers=OPERATOR)
    assert response.status_code == status
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_callers_own_request_id_is_kept() -> None:
    response = await api().get("/nowhere", headers={"x-request-id": "billing.4711_a-B"})
    assert assert_problem(response, 404, "not_found")["request_id"] == "billing.4711_a-B"


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "é", "a/b", "x\ty"])
async def test_another_request_id_is_replaced(given: str) -> None:
    response = await api().get("/nowhere", headers=[(b"x-request-id", given.encode("latin-1"))])
    assert response.headers["x-request-id"].startswith("req_")


async def test_two_request_ids_are_replaced() -> None:
    response = await api().get("/", headers=[("x-request-id", "a"), ("x-request-id", "b")])
    assert response.headers["x-request-id"].startswith("req_")


async def test_answers_are_not_stored_and_frame_nothing() -> None:
    response = await api().get("/v1/things", headers=OPERATOR)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert "strict-transport-security" not in response.headers


async def test_an_https_address_is_kept_to_https() -> None:
    response = await api(public_url="https://gateway.example").get("/")
    assert response.headers["strict-transport-security"] == "max-age=31536000"


async def test_a_wrong_method_names_the_right_ones() -> None:
    response = await api().put(f"/v1/things/{LINE_ID}", headers=OPERATOR)
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


async def test_options_tells_the_methods_without_a_key() -> None:
    response = await api().options("/v1/things")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_is_get_without_a_body() -> None:
    head = await api().head(f"/v1/things/{LINE_ID}", headers=OPERATOR)
    whole = await api().get(f"/v1/things/{LINE_ID}", headers=OPERATOR)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


async def test_an_announced_large_body_is_refused_unread() -> None:
    response = await api().post("/v1/things", headers=OPERATOR, content=b"x" * (10 * KIB * KIB))
    assert_problem(response, 413, "body_too_large")


async def test_a_streamed_large_body_is_refused() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (100 * KIB)

    headers = OPERATOR | {"content-type": "application/json"}
    response = await api().post("/v1/things", headers=headers, content=pieces())
    assert_problem(response, 413, "body_too_large")


@pytest.mark.parametrize("length", ["9" * 400, "1048577"])
async def test_an_absurd_length_is_refused(length: str) -> None:
    headers = OPERATOR | {"content-length": length}
    response = await api().request("GET", "/v1/things", headers=headers)
    assert_problem(response, 413, "body_too_large")


async def test_a_body_at_the_limit_is_read() -> None:
    body = b'{"name":"x"}'
    body += b" " * (KIB * KIB - len(body))
    headers = OPERATOR | {"content-type": "application/json"}
    response = await api().post("/v1/things", headers=headers, content=body)
    assert response.status_code == 201


async def test_a_body_on_a_read_is_ignored() -> None:
    response = await api().request("GET", "/v1/things", headers=OPERATOR, content=b"{")
    assert response.status_code == 200


async def test_a_bug_is_masked_and_logged() -> None:
    telemetry = Recorder()
    client = api(telemetry=telemetry)
    response = await client.post(f"/v1/things/{LINE_ID}/break", headers=OPERATOR, json={})
    problem = assert_problem(response, 500, "internal_error")
    assert "secret-of-the-code" not in str(problem)
    assert [str(error) for error in telemetry.broken] == ["secret-of-the-code"]


async def test_the_log_line_knows_route_caller_and_code() -> None:
    telemetry = Recorder()
    body = {"reason": "conflict"}
    client = api(telemetry=telemetry)
    await client.post(f"/v1/things/{LINE_ID}/break", headers=OPERATOR, json=body)
    (line,) = telemetry.ended
    assert (line.method, line.route) == ("POST", "/v1/things/{line_id}/break")
    assert (line.status, line.code, line.ip) == (409, "state_conflict", "192.0.2.1")
    assert line.caller is not None
    assert line.caller.id == "op"
    assert line.seconds > 0
    assert telemetry.broken == []


async def test_a_caller_who_goes_away_is_not_answered() -> None:
    telemetry = Recorder()
    app = create_app(some_ports(), ApiOptions(telemetry=telemetry), table=ROUTES)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/things",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer operator"), (b"content-length", b"5")],
    }
    await app(scope, receive, send)
    assert sent == []
    (line,) = telemetry.ended
    assert line.status is None
    assert telemetry.broken == []


async def test_an_error_after_the_answer_began_reaches_the_server() -> None:
    app = create_app(some_ports(), table=ROUTES)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise OSError("the connection broke")

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    with pytest.raises(OSError, match="broke"):
        await app(scope, receive, send)


async def test_the_client_behind_our_proxy_is_the_one_that_identity_sees() -> None:
    keys = Keys()
    client = api(ports=some_ports(keys=keys), trusted_proxies=(ip_network("192.0.2.0/24"),))
    headers = OPERATOR | {"x-forwarded-for": "198.51.100.9, 203.0.113.7"}
    response = await client.get(f"/v1/things/{LINE_ID}", headers=headers)
    assert keys.seen == [("operator", "203.0.113.7")]
    assert response.json()["context"]["ip"] == "203.0.113.7"


async def test_without_trust_the_headers_count_for_nothing() -> None:
    headers = OPERATOR | {"x-forwarded-for": "203.0.113.7", "forwarded": "for=203.0.113.7"}
    response = await api().get(f"/v1/things/{LINE_ID}", headers=headers)
    assert response.json()["context"]["ip"] == "192.0.2.1"


async def test_there_are_no_web_sockets_here() -> None:
    app = create_app(some_ports(), table=ROUTES)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "websocket", "path": "/v1/things", "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_without_telemetry_there_are_no_metrics() -> None:
    assert NoTelemetry().metrics()[0] == b""
