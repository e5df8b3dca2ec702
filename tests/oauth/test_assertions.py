"""Assertions that clients sign (RFC 7523): good once, for us, for minutes."""

from __future__ import annotations

import hmac
import time
import uuid
from base64 import urlsafe_b64encode
from ipaddress import ip_network
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.oauth.conftest import TOKEN, Person, Server

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def hmac_signed(body: str, secret: bytes) -> str:
    """Sign with what everybody knows, as if it were a secret."""
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"mine"}').decode().rstrip("=")
    mac = hmac.digest(secret, f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


def claims_for(server: Server, person: Person) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": person.id,
        "sub": person.id,
        "aud": server.url + TOKEN,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 60,
    }


def signed(claims: dict[str, Any], key: Any, **header: Any) -> str:
    alg = header.get("alg", "ES256")
    return jwt.encode({"alg": alg, "kid": "mine"} | header, claims, key, [alg])


ADDRESSES = ip_network("198.18.0.0/15").hosts()


async def answer_to(server: Server, assertion: str, **form: str) -> tuple[int, str]:
    asked = {
        "grant_type": "client_credentials",
        "client_assertion_type": TYPE,
        "client_assertion": assertion,
    }
    # Each from an address of its own, or they would pass for guesses of one stranger.
    stranger = {"X-Forwarded-For": str(next(ADDRESSES))}
    answer = await server.post(TOKEN, None, asked | form, **stranger)
    return answer.status_code, answer.json().get("error", "")


@pytest.fixture
async def person(server: Server) -> Person:
    return await server.client_with_key()


async def test_issuer_and_endpoint_are_both_good_audiences(server: Server, person: Person) -> None:
    for audience in (server.url, server.url + TOKEN, [server.url, "https://elsewhere.example"]):
        claims = claims_for(server, person) | {"aud": audience}
        assert await answer_to(server, signed(claims, person.key)) == (200, "")


async def test_an_assertion_counts_once_in_all_processes(server: Server, person: Person) -> None:
    assertion = signed(claims_for(server, person), person.key)
    assert await answer_to(server, assertion) == (200, "")
    assert await answer_to(server, assertion) == (401, "invalid_client")
    # The same name from another client is another assertion.
    other = await server.client_with_key()
    claims = claims_for(server, person)
    assert await answer_to(server, signed(claims, person.key)) == (200, "")
    twin = claims_for(server, other) | {"jti": claims["jti"]}
    assert await answer_to(server, signed(twin, other.key)) == (200, "")


async def test_a_named_client_must_be_the_signer(server: Server, person: Person) -> None:
    other = await server.client()
    claims = claims_for(server, person)
    assert await answer_to(server, signed(claims, person.key), client_id=other.id) == (
        401,
        "invalid_client",
    )
    assert await answer_to(server, signed(claims, person.key), client_id=person.id) == (200, "")


NOW = int(time.time())
CHANGES: dict[str, dict[str, Any]] = {
    "no iss": {"iss": None},
    "no sub": {"sub": None},
    "another iss": {"iss": "cli_" + "0" * 26},
    "an unknown client": {"iss": "cli_" + "0" * 26, "sub": "cli_" + "0" * 26},
    "no aud": {"aud": None},
    "another aud": {"aud": "https://elsewhere.example"},
    "an empty aud": {"aud": []},
    "a number as aud": {"aud": [1]},
    "no jti": {"jti": None},
    "an empty jti": {"jti": ""},
    "a jti that is no text": {"jti": 1},
    "a long jti": {"jti": "x" * 256},
    "no exp": {"exp": None},
    "over": {"exp": NOW - 60},
    "a text as exp": {"exp": str(NOW + 60)},
    "a true as exp": {"exp": True},
    "too long": {"exp": NOW + 3_600},
    "made in the future": {"iat": NOW + 3_600},
    "good in the future": {"nbf": NOW + 3_600},
}


async def test_what_an_assertion_must_say(server: Server, person: Person) -> None:
    for name, change in CHANGES.items():
        claims = claims_for(server, person) | change
        claims = {name: value for name, value in claims.items() if value is not None}
        said = await answer_to(server, signed(claims, person.key))
        assert said == (401, "invalid_client"), name


async def test_only_the_clients_own_key_signs(server: Server, person: Person) -> None:
    assert person.key is not None
    claims = claims_for(server, person)
    good = signed(claims, person.key)
    head, body, signature = good.split(".")
    for assertion in (
        signed(claims, ECKey.generate_key("P-256")),
        signed(claims, person.key, kid="another"),
        hmac_signed(body, person.key.as_pem(private=False)),
        f"eyJhbGciOiJub25lIn0.{body}.",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-2]}AA",
        f"{head}.{body}",
        "x",
        "..",
    ):
        assert await answer_to(server, assertion) == (401, "invalid_client"), assertion
    assert await answer_to(server, good) == (200, "")
    assert await answer_to(server, good, client_assertion_type="x") == (400, "invalid_request")
