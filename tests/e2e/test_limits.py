"""Rate limits and lock-outs, seen from outside: fields, refusals, and what counts."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.domain.clock import SystemClock
from gateway.domain.limits import Rate
from gateway.domain.secrets import SystemRandom
from gateway.identity.api_keys import ApiKeys
from gateway.services.lockouts import LocalLocks, Lockouts
from gateway.services.rates import RateLimiter, Rates
from tests.e2e.support import problem_of, process
from tests.graphql.asking import post
from tests.graphql.test_subscriptions import on_a_port
from tests.world import Api, World, a_world

TIGHT = {"default": "5/3600", "reseller": "8/3600", "target": "2/3600"}
ROOMY = {"default": "1000/3600", "reseller": "1000/3600", "target": "2/3600"}
WRONG = "xgw_" + "A" * 43


@asynccontextmanager
async def limited(tmp_path: Path, **limits: str) -> AsyncIterator[World]:
    """A world with these limits, whose seeding does not count."""
    rates = Rates(**{name: Rate.parse(text) for name, text in limits.items()})
    async with (
        a_world(f"sqlite:///{tmp_path}/g.db") as seeded,
        process(seeded, rates=RateLimiter(rates=rates)) as world,
    ):
        yield world


@pytest.fixture
async def tight(tmp_path: Path) -> AsyncIterator[World]:
    async with limited(tmp_path, **TIGHT) as world:
        yield world


async def a_key(world: World, rate_limit: str | None = None, **more: Any) -> Api:
    """Issue a key of reseller A, whose bucket is full."""
    body = {"name": "k", "reseller_id": world.a.id, "rate_limit": rate_limit} | more
    issued = await world.operator.ok("POST", "/v1/keys", body, status=201)
    assert issued["rate_limit"] == rate_limit
    return world.api(issued["key"])


def left(answer: httpx2.Response) -> int:
    """Return how many requests the answer says are left, after holding both fields to a form."""
    policy, state = answer.headers["RateLimit-Policy"], answer.headers["RateLimit"]
    assert re.fullmatch(r'"default";q=\d+;w=\d+', policy), policy
    match = re.fullmatch(r'"default";r=(\d+);t=\d+', state)
    assert match, state
    return int(match[1])


async def test_every_answer_to_a_known_caller_says_what_is_left(small_world: World) -> None:
    world, key = small_world, await a_key(small_world)
    first = await key.get("/v1/me")
    assert first.headers["RateLimit-Policy"] == '"default";q=6000;w=60'
    assert first.headers["RateLimit"] == '"default";r=5999;t=1'
    answers = [
        await key.get("/v1/lines"),
        await key.get("/v1/lines/nonsense"),
        await key.post("/v1/lines", {"nonsense": 1}),
        await key.post("/v1/lines", content=b"{"),
        await key.get("/v1/panels"),
        await key.post("/v1/lines?dry_run=true", {"period": "P1M", "bouquet_ids": [1]}),
        await post(key, "{ me { kind } }"),
        await post(key, "{ nonsense }"),
        await key.get("/graphql", params={"query": "{ me { kind } }"}),
    ]
    assert [answer.status_code for answer in answers] == [
        *(200, 404, 422, 400, 403, 200),
        *(200, 200, 200),
    ]
    for answer in answers:
        assert left(answer) <= 5999
    for path in ("/livez", "/openapi.json", "/docs"):
        assert "RateLimit" not in (await world.client.get(path)).headers
    for nobody in (world.api(None), world.api(WRONG)):
        answer = await nobody.get("/v1/me")
        assert (answer.status_code, "RateLimit" in answer.headers) == (401, False)


async def test_the_settings_say_how_much(tmp_path: Path) -> None:
    limits = {"default": "77/60", "reseller": "12/3600", "target": "1/60"}
    async with a_world(f"sqlite:///{tmp_path}/g.db", limits=limits) as world:
        line = await world.line()
        path = f"/v1/lines/{line['id']}/suspend"
        first = await world.a.api.post(path)
        assert first.headers["RateLimit-Policy"] == '"default";q=77;w=60'
        refused = await world.a.api.post(path)
        assert refused.headers["RateLimit-Policy"] == '"default";q=77;w=60, "target";q=1;w=60'
        statuses = [(await world.a.api.get("/v1/me")).status_code for _ in range(11)]
        assert statuses == [200] * 10 + [429]


async def test_too_many_requests_are_refused_and_nothing_is_done(tight: World) -> None:
    key = await a_key(tight)
    assert [left(await key.get("/v1/me")) for _ in range(5)] == [4, 3, 2, 1, 0]
    refused = await key.post("/v1/lines", {"period": "P1M", "bouquet_ids": [1]})
    problem_of(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 720
    assert refused.headers["RateLimit"].startswith('"default";r=0;t=')
    assert tight.users() == []
    # It is this key that has asked too much; the reseller's others still may.
    assert (await (await a_key(tight)).get("/v1/me")).status_code == 200


async def test_all_keys_of_a_reseller_share_one_more_limit(tight: World) -> None:
    keys = [await a_key(tight) for _ in range(3)]
    statuses = [(await keys[n % 3].get("/v1/me")).status_code for n in range(9)]
    assert statuses == [200] * 8 + [429]
    refused = await keys[2].get("/v1/me")
    assert refused.headers["RateLimit-Policy"] == '"default";q=5;w=3600, "reseller";q=8;w=3600'
    assert re.fullmatch(r'"default";r=\d;t=\d+, "reseller";r=0;t=\d+', refused.headers["RateLimit"])
    assert (await tight.b.api.get("/v1/me")).status_code == 200


async def test_a_loop_on_one_line_leaves_the_others_alone(tmp_path: Path) -> None:
    async with limited(tmp_path, **ROOMY) as world:
        one, other = await world.line(), await world.line()
        path = f"/v1/lines/{one['id']}"
        assert (await world.a.api.patch(path, {"notes": "a"})).status_code == 200
        dry = await world.a.api.post(f"{path}/suspend", params={"dry_run": "true"})
        assert dry.status_code == 200
        refused = await world.a.api.post(f"{path}/suspend")
        problem_of(refused, 429, "rate_limited")
        assert '"target";r=0' in refused.headers["RateLimit"]
        assert (await world.a.api.get(path)).status_code == 200
        again = await world.a.api.post(f"/v1/lines/{other['id']}/suspend")
        assert again.status_code == 200
        problem = "... on RateLimitedProblem { code retryAfterSeconds }"
        by_name = await post(
            world.a.api,
            f'mutation {{ a: suspendLine(input: {{id: "{one["id"]}"}}) {{ __typename {problem} }}'
            f' b: resumeLine(input: {{id: "{other["id"]}"}}) {{ __typename }} }}',
        )
        data = by_name.json()["data"]
        assert data["b"] == {"__typename": "ResumeLineSuccess"}
        assert data["a"]["code"] == "rate_limited"
        assert data["a"]["retryAfterSeconds"] >= 1
        put = "/v1/lines/by-external-id/x"
        body = {"period": "P1M", "bouquet_ids": [1]}
        statuses = [(await world.a.api.send("PUT", put, body)).status_code for _ in range(3)]
        assert statuses == [201, 200, 429]


async def test_what_is_anothers_cannot_be_used_up(tmp_path: Path) -> None:
    async with limited(tmp_path, **ROOMY) as world:
        path = f"/v1/lines/{(await world.line())['id']}/suspend"
        answers = [(await world.b.api.post(path)).status_code for _ in range(3)]
        assert answers == [404, 404, 429]
        assert (await world.a.api.post(path)).status_code == 200


async def test_each_alias_of_a_document_counts(small_world: World) -> None:
    key = await a_key(small_world, "25/3600")
    aliases = " ".join(f"a{n}: me {{ kind }}" for n in range(19))
    assert (
        left(await post(key, f"{{ me {{ kind }} ...Rest }} fragment Rest on Query {{ {aliases} }}"))
        == 5
    )
    assert left(await post(key, "{ me { kind } me { resellerId } }")) == 4
    skipped = "{ me { kind } b: me @skip(if: true) { kind } }"
    assert left(await post(key, skipped)) == 3
    assert left(await post(key, "{ nonsense }")) == 2
    refused = await post(key, "{ a: me { kind } b: me { kind } c: me { kind } d: me { kind } }")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert "data" not in refused.json()
    assert refused.json()["errors"][0]["extensions"]["code"] == "rate_limited"
    assert left(refused) == 1
    assert left(await key.get("/v1/me")) == 0
    late = await post(key, "{ me { kind } }", Accept="application/json")
    assert (late.status_code, "Retry-After" in late.headers) == (429, True)


async def test_a_key_has_its_own_limit_and_gives_no_more_than_it_has(small_world: World) -> None:
    world, key = small_world, await a_key(small_world, "600/60")
    answer = await key.get("/v1/me")
    assert answer.headers["RateLimit-Policy"] == '"default";q=600;w=60'
    refused = await key.post("/v1/keys", {"name": "more", "rate_limit": "601/60"})
    problem = problem_of(refused, 403, "field_not_allowed")
    assert problem["errors"][0]["pointer"] == "/rate_limit"
    less = await key.ok("POST", "/v1/keys", {"name": "less", "rate_limit": "10/60"}, status=201)
    same = await key.ok("POST", "/v1/keys", {"name": "same"}, status=201)
    assert (less["rate_limit"], same["rate_limit"]) == ("10/60", "600/60")
    shown = await world.operator.ok("GET", f"/v1/keys/{less['id']}")
    assert shown["rate_limit"] == "10/60"
    plain = await world.a.api.post("/v1/keys", {"name": "x", "rate_limit": "6001/60"})
    problem_of(plain, 403, "field_not_allowed")
    for wrong in ("", "6", "0/1", "1/0", "99999/1", "1/99999", 6, "600 / 60"):
        answer = await world.operator.post("/v1/keys", {"name": "x", "rate_limit": wrong})
        assert answer.status_code == 422, wrong
        assert answer.json()["errors"][0]["pointer"] == "/rate_limit"
    made = await post(
        world.operator,
        'mutation { issueKey(input: {name: "g", rateLimit: "7/60"}) '
        "{ ... on IssueKeySuccess { key { rateLimit } } } }",
    )
    assert made.json()["data"]["issueKey"]["key"]["rateLimit"] == "7/60"


# --- lock-outs -----------------------------------------------------------------------------------


class Hands(SystemClock):
    """The machine's clock, set ahead by hand."""

    ahead = 0.0

    def monotonic(self) -> float:
        return self.ahead

    def now(self) -> Any:
        return super().now() + timedelta(seconds=self.ahead)


@asynccontextmanager
async def guarded(world: World) -> AsyncIterator[tuple[World, Hands]]:
    """The same gateway with a clock for its lock-outs."""
    clock = Hands()
    lockouts = Lockouts(LocalLocks(clock))
    identity = ApiKeys(world.runtime.ports.database, SystemClock(), lockouts=lockouts)
    async with process(world, identity=identity, lockouts=lockouts) as made:
        yield made, clock


def a_guess() -> str:
    return "xgw_" + SystemRandom().text(43)


async def test_who_guesses_keys_waits_longer_each_time(small_world: World) -> None:
    async with guarded(small_world) as (world, clock):
        for number in range(10):
            # A good key in between resets nothing.
            assert (await world.a.api.get("/v1/me")).status_code == 200, number
            assert (await world.api(a_guess()).get("/v1/me")).status_code == 401
        for seconds in (1, 2, 4, 8):
            for caller in (world.api(a_guess()), world.a.api):
                refused = await caller.get("/v1/me")
                problem_of(refused, 429, "rate_limited")
                assert refused.headers["Retry-After"] == str(seconds)
                assert "RateLimit" not in refused.headers
            graphql = await post(world.a.api, "{ me { kind } }")
            assert (graphql.status_code, graphql.headers["Retry-After"]) == (429, str(seconds))
            clock.ahead += seconds
            assert (await world.a.api.get("/v1/me")).status_code == 200
            assert (await world.api(a_guess()).get("/v1/me")).status_code == 401


async def test_what_cannot_be_a_guess_does_not_lock(small_world: World) -> None:
    async with guarded(small_world) as (world, _):
        ended = await world.operator.ok("POST", "/v1/keys", {"name": "ended"}, status=201)
        assert (await world.operator.delete(f"/v1/keys/{ended['id']}")).status_code == 204
        for text in ("nonsense", "eyJhbGciOiJub25lIn0.e30.", ended["key"]) * 5:
            assert (await world.api(text).get("/v1/me")).status_code == 401
        assert (await world.a.api.get("/v1/me")).status_code == 200


async def test_a_locked_guesser_does_not_reach_the_database(small_world: World) -> None:
    async with guarded(small_world) as (world, _):
        for _ in range(10):
            await world.api(a_guess()).get("/v1/me")
        await world.runtime.database.close()
        assert (await world.api(a_guess()).get("/v1/me")).status_code == 429


@pytest.mark.parametrize("is_graphql", [False, True])
async def test_passwords_cannot_be_guessed_by_looking_lines_up(
    small_world: World, is_graphql: bool
) -> None:
    async with guarded(small_world) as (world, clock):
        line = await world.line()

        async def look_up(api: Api, username: str, password: str) -> int:
            body = {"username": username, "password": password}
            if not is_graphql:
                return (await api.post("/v1/lines/lookup", body)).status_code
            given = ", ".join(f'{name}: "{text}"' for name, text in body.items())
            document = f"mutation {{ lookupLine(input: {{{given}}}) {{ __typename }} }}"
            found = (await post(api, document)).json()["data"]["lookupLine"]["__typename"]
            statuses = {"NotFoundProblem": 404, "RateLimitedProblem": 429}
            return statuses.get(found, 200)

        for _ in range(10):
            assert await look_up(world.a.api, line["username"], "wrong") == 404
        good = (line["username"], line["password"])
        assert await look_up(world.a.api, *good) == 429
        assert await look_up(world.a.api, "another", "wrong") == 404
        assert await look_up(world.b.api, *good) == 404
        assert (await world.a.api.get(f"/v1/lines/{line['id']}")).status_code == 200
        clock.ahead += 1
        assert await look_up(world.a.api, *good) == 200
        assert await look_up(world.a.api, line["username"], "wrong") == 404
        assert await look_up(world.a.api, *good) == 429


async def test_two_processes_count_together(redis_url: str, tmp_path: Path) -> None:
    async with (
        a_world(f"sqlite:///{tmp_path}/g.db", redis_url=redis_url) as world,
        a_world(f"sqlite:///{tmp_path}/g.db", redis_url=redis_url, migrated=True) as other,
    ):
        key = await a_key(world, "30/3600")
        there = Api(other.client, key.key)
        for number in range(10):
            assert left(await key.get("/v1/me")) == 29 - 2 * number
            assert left(await there.get("/v1/me")) == 28 - 2 * number


# --- streams and sockets -------------------------------------------------------------------------


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(f"sqlite:///{tmp_path}/g.db") as world, on_a_port(world) as there:
        yield there


async def test_the_start_of_a_stream_says_what_is_left(served: World) -> None:
    line = await served.line()
    key = await a_key(served, "10/3600")
    body = {"query": f'subscription {{ lineChanged(id: "{line["id"]}") {{ id }} }}'}
    headers = {"Authorization": f"Bearer {key.key}", "Accept": "text/event-stream"}
    async with served.client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        assert answer.status_code == 200
        assert left(answer) == 9
    assert left(await key.get("/v1/me")) == 8


async def test_each_subscribe_on_a_socket_counts_and_is_refused_by_itself(served: World) -> None:
    key = await a_key(served, "4/3600")
    url = str(served.client.base_url).replace("http", "ws").rstrip("/") + "/graphql"
    protocol = Subprotocol("graphql-transport-ws")
    init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {key.key}"}}
    async with asyncio.timeout(30), connect(url, subprotocols=[protocol], proxy=None) as socket:

        async def said(message: dict[str, Any]) -> dict[str, Any]:
            await socket.send(json.dumps(message))
            heard: dict[str, Any] = json.loads(await socket.recv())
            return heard

        assert await said(init) == {"type": "connection_ack"}
        for name in "abc":
            query = {"id": name, "type": "subscribe", "payload": {"query": "{ me { kind } }"}}
            assert (await said(query))["type"] == "next"
            assert json.loads(await socket.recv()) == {"id": name, "type": "complete"}
        refused = await said(
            {"id": "d", "type": "subscribe", "payload": {"query": "{ me { kind } }"}}
        )
        assert (refused["id"], refused["type"]) == ("d", "error")
        assert refused["payload"][0]["extensions"]["code"] == "rate_limited"
        assert await said({"type": "ping"}) == {"type": "pong"}
