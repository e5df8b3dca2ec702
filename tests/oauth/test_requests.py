"""Requests that are not as they should be: OAuth's errors, never a problem, never a 500."""

from __future__ import annotations

import base64
import json

import httpx2
import pytest

from tests.oauth.conftest import TOKEN, Person, Server

FORM = "application/x-www-form-urlencoded"
PATHS = (TOKEN, "/oauth/revoke", "/oauth/introspect")
GOOD = "grant_type=client_credentials&token=x"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


async def sent(
    server: Server, path: str, body: str | bytes, kind: str | None = FORM, **headers: str
) -> httpx2.Response:
    given = headers | ({"Content-Type": kind} if kind else {})
    return await server.http.post(path, content=body, headers=given)


def check(answer: httpx2.Response, status: int, error: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == error
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


MALFORMED: dict[str, tuple[str | bytes, str | None]] = {
    "no form": (b"\xff\xfe\x00", FORM),
    "no pair": ("grant_type", FORM),
    "half a percent": ("grant_type=%f", FORM),
    "not UTF-8": ("grant_type=%ff", FORM),
    "bytes": ("grant_type=client_credentials&x=\xe9", FORM),
    "twice": ("grant_type=client_credentials&grant_type=client_credentials", FORM),
    "scope twice": (f"{GOOD}&scope=lines:read&scope=lines:write", FORM),
    "secret twice": (f"{GOOD}&client_secret=a&client_secret=a", FORM),
    "too many": ("&".join(f"p{n}=1" for n in range(100)), FORM),
    "too large": ("grant_type=" + "x" * 70_000, FORM),
    "two methods": (f"{GOOD}&client_id=a&client_secret=b&client_assertion=c", FORM),
    "no type of assertion": (f"{GOOD}&client_assertion=a.b.c", FORM),
}


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_no_form_is_refused(server: Server, path: str) -> None:
    for name, (body, kind) in MALFORMED.items():
        answer = await sent(server, path, body, kind)
        assert answer.status_code == 400, (name, answer.text)
        check(answer, 400, "invalid_request")
    for kind in ("application/json", "text/plain", None, f"{FORM}; charset=utf-16"):
        check(await sent(server, path, GOOD, kind), 415, "invalid_request")
    check(await sent(server, f"{path}?client_secret=x", GOOD), 400, "invalid_request")
    check(await sent(server, path, "x" * 1_100_000), 413, "invalid_request")
    check(await sent(server, path, ""), 401, "invalid_client")


@pytest.mark.parametrize("path", PATHS)
async def test_only_post_is_taken(server: Server, path: str) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = await server.http.request(method, path)
        check(answer, 405, "invalid_request")
        assert answer.headers["allow"] == "POST"
    check(await server.http.get(f"{path}/more"), 404, "invalid_request")


HEADERS = {
    "no base64": "Basic !!!",
    "no colon": basic("nothing"),
    "not UTF-8": "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    "half a percent": basic("%ff:x"),
    "a null": basic("cli_\x00:x"),
    "another scheme": "Bearer xgw_abc",
    "only a scheme": "Basic",
    "long": basic("x" * 5_000),
}


async def test_a_header_that_names_no_client(server: Server) -> None:
    for header in HEADERS.values():
        answer = await sent(server, TOKEN, GOOD, Authorization=header)
        check(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_a_client_proves_itself_by_one_method(server: Server) -> None:
    person = await server.client()
    header = basic(f"{person.id}:{person.secret}")
    body = f"{GOOD}&client_id={person.id}"
    assert (await sent(server, TOKEN, body, Authorization=header)).status_code == 200
    both = f"{body}&client_secret={person.secret}"
    check(await sent(server, TOKEN, both, Authorization=header), 400, "invalid_request")
    other = f"{GOOD}&client_id=cli_x"
    check(await sent(server, TOKEN, other, Authorization=header), 400, "invalid_request")


async def test_parameters_that_nobody_knows_and_empty_ones_do_not_count(server: Server) -> None:
    person = await server.client(permissions=["lines:read"])
    form = {"grant_type": "client_credentials", "scope": "", "resource": "", "foo": "bar"}
    answer = await server.post(TOKEN, person, form)
    assert (answer.status_code, answer.json()["scope"]) == (200, "lines:read")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_known_client_asks_for_nothing_we_know(server: Server) -> None:
    person = await server.client()
    for form, error in (
        ({"x": "y"}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "CLIENT_CREDENTIALS"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "a  b"}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": "\u2603"}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": 'a"b'}, "invalid_scope"),
    ):
        check(await server.post(TOKEN, person, form), 400, error)


async def test_a_token_is_required_where_one_is_meant(server: Server) -> None:
    person = await server.client()
    for path in ("/oauth/revoke", "/oauth/introspect"):
        check(await server.post(path, person, {"token": ""}), 400, "invalid_request")
    hint = {"token": "x", "token_type_hint": "refresh_token"}
    assert (await server.post("/oauth/introspect", person, hint)).json() == {"active": False}


async def test_proofs_that_are_not_good(server: Server) -> None:
    person = await server.client()
    form = {"grant_type": "client_credentials"}
    check(await server.post(TOKEN, person, form, DPoP="x.y.z"), 400, "invalid_dpop_proof")
    check(await server.post(TOKEN, person, form, DPoP="x" * 9_000), 400, "invalid_request")


async def test_a_draining_server_says_so_in_the_same_form(server: Server) -> None:
    person = await server.client()
    server.world.runtime.ports.lifecycle.drain(5)
    answer = await server.post(TOKEN, person, {"grant_type": "client_credentials"})
    check(answer, 503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_no_secret_is_in_an_answer_or_in_the_audit_log(server: Server) -> None:
    person = await server.client()
    secret = person.secret or ""
    form = {"grant_type": "client_credentials", "scope": secret}
    answer = await server.post(TOKEN, person, form)
    check(answer, 400, "invalid_scope")
    assert secret not in answer.text
    entries = await server.world.operator.ok("GET", "/v1/audit/entries")
    assert secret not in json.dumps(entries)


async def test_who_guesses_a_secret_is_kept_waiting(server: Server) -> None:
    person = await server.client()
    guess = Person(id=person.id, secret="xgs_" + "a" * 43)
    form = {"grant_type": "client_credentials"}
    told = [await server.post(TOKEN, guess, form) for _ in range(12)]
    check(told[0], 401, "invalid_client")
    check(told[-1], 429, "temporarily_unavailable")
    assert int(told[-1].headers["retry-after"]) >= 1
    # The right secret has to wait as well, or it would tell a guesser that it is right.
    assert (await server.post(TOKEN, person, form)).status_code == 429


async def test_a_client_s_requests_for_tokens_count(server: Server) -> None:
    person = await server.client()
    answer = await server.post(TOKEN, person, {"grant_type": "client_credentials"})
    assert answer.headers["ratelimit-policy"] == '"default";q=6000;w=60'
    assert answer.headers["ratelimit"].startswith('"default";r=5999;')
