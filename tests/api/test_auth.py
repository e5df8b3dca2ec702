"""The Authorization header."""

from __future__ import annotations

import re

import pytest

from gateway.api.rest.routing import Route
from gateway.api.rest.table import TABLE
from gateway.domain.proofs import Proof
from tests.api.support import LINE_ID, Keys, api, assert_problem, some_ports

ODD = {
    "none": [],
    "empty": [b""],
    "no key": [b"Bearer"],
    "blank key": [b"Bearer   "],
    "another scheme": [b"Basic b3A6eA=="],
    "two headers": [b"Bearer operator", b"Bearer operator"],
    "two keys": [b"Bearer operator operator"],
    "a comma": [b"Bearer operator, Bearer x"],
    "not ASCII": ["Bearer opérator".encode()],
    "raw bytes": [b"Bearer \xff\xfe\x00"],
    "huge": [b"Bearer " + b"a" * 100_000],
    "unknown": [b"Bearer nobody"],
    "quoted": [b'Bearer "operator"'],
    "without scheme": [b"operator"],
}


@pytest.mark.parametrize("values", ODD.values(), ids=ODD)
async def test_an_odd_header_is_unauthenticated(values: list[bytes]) -> None:
    headers = [(b"authorization", value) for value in values]
    response = await api().get("/v1/things", headers=headers)
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_bound_tokens_proof_reaches_identity_with_its_request() -> None:
    keys = Keys()
    headers = {"authorization": "DPoP operator", "dpop": "proof"}
    client = api(ports=some_ports(keys=keys))
    assert (await client.get("/v1/things?name=a%20b", headers=headers)).status_code == 200
    assert keys.proofs == [Proof(text="proof", method="GET", path="/v1/things")]


@pytest.mark.parametrize(
    "proofs",
    [[], [b"a", b"b"], [b"\xff"], [b"a" * 9_000]],
    ids=["none", "two", "no ASCII", "huge"],
)
async def test_the_scheme_dpop_needs_one_proof(proofs: list[bytes]) -> None:
    headers = [(b"authorization", b"DPoP operator"), *((b"dpop", proof) for proof in proofs)]
    response = await api().get("/v1/things", headers=headers)
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith('DPoP error="invalid_dpop_proof"')


@pytest.mark.parametrize("value", ["Bearer operator", "bearer operator", "BEARER   operator "])
async def test_the_scheme_is_read_in_any_case(value: str) -> None:
    response = await api().get("/v1/things", headers={"authorization": value})
    assert response.status_code == 200


async def test_the_key_comes_before_the_body() -> None:
    response = await api().post("/v1/things", content=b"{" * 10_000)
    assert_problem(response, 401, "unauthenticated")


async def test_the_route_comes_before_the_key() -> None:
    keys = Keys()
    client = api(ports=some_ports(keys=keys))
    assert_problem(await client.get("/v1/nothing"), 404, "not_found")
    assert_problem(await client.put("/v1/things"), 405, "method_not_allowed")
    assert keys.seen == []


async def test_the_key_comes_before_the_id() -> None:
    response = await api().get("/v1/things/nonsense")
    assert_problem(response, 401, "unauthenticated")


@pytest.mark.parametrize("route", TABLE, ids=lambda route: route.name)
async def test_every_route_is_closed_to_strangers(route: Route) -> None:
    path = re.sub(r"\{[^}]*\}", LINE_ID, route.path)
    response = await api(TABLE).request(route.method, path)
    assert_problem(response, 401, "unauthenticated")
