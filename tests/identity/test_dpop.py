"""Proofs of a key (DPoP), sent to a gateway that listens."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey, OKPKey

from gateway.identity.refusals import PROOF_REFUSAL, REFUSAL
from tests.api.support import assert_problem, challenge_in
from tests.identity.resource_server import Gateway, a_gateway
from tests.identity.signing import RSA, URL, b64, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY: Final = ECKey.generate_key("P-256")
OTHER: Final = ECKey.generate_key("P-256")
ED_KEY: Final = OKPKey.generate_key("Ed25519")
ALGORITHMS: Final = 'algs="ES256 Ed25519 EdDSA"'
BAD_PROOF: Final = f'DPoP error="invalid_dpop_proof", {ALGORITHMS}'
BAD_TOKEN: Final = f'DPoP error="invalid_token", {ALGORITHMS}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with a_gateway(tmp_path_factory.mktemp("gateway")) as made:
        yield made


def a_token(gateway: Gateway, key: Any = KEY, name: str = "own", **different: Any) -> str:
    """Return a token bound to *key*."""
    return gateway.maker(name).token(cnf={"jkt": key.thumbprint()}, **different)


def hash_of(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def proof_claims(token: str, **different: Any) -> dict[str, Any]:
    found = {
        "jti": str(uuid.uuid4()),
        "htm": "GET",
        "htu": f"{URL}/v1/me",
        "iat": int(datetime.now(UTC).timestamp()),
        "ath": hash_of(token),
    } | different
    return {name: value for name, value in found.items() if value is not None}


def proof_header(key: Any = KEY, **different: Any) -> dict[str, Any]:
    jwk = dict(key.as_dict(private=False))
    jwk.pop("kid", None)
    found = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk} | different
    return {name: value for name, value in found.items() if value is not None}


def a_proof(
    token: str, key: Any = KEY, head: dict[str, Any] | None = None, **different: Any
) -> str:
    head = proof_header(key) | (head or {})
    head = {name: value for name, value in head.items() if value is not None}
    return signed(proof_claims(token, **different), head, key)


async def ask(
    gateway: Gateway,
    token: str,
    *proofs: str | bytes,
    scheme: bytes = b"DPoP",
    path: str = "/v1/me",
) -> httpx2.Response:
    given = [proof if isinstance(proof, bytes) else proof.encode() for proof in proofs]
    headers = [(b"authorization", scheme + b" " + token.encode())]
    return await gateway.ask(*headers, *((b"dpop", proof) for proof in given), path=path)


def refused(response: httpx2.Response, challenge: str) -> None:
    problem = assert_problem(response, 401, "unauthenticated")
    assert challenge_in(response) == challenge
    if challenge != BAD_PROOF:
        assert problem["detail"] == REFUSAL


@pytest.mark.parametrize("name", ["own", "keycloak", "auth0"])
async def test_a_bound_token_with_its_proof_is_taken(gateway: Gateway, name: str) -> None:
    token = a_token(gateway, name=name)
    response = await ask(gateway, token, a_proof(token))
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
async def test_an_ed25519_key_can_prove_too(gateway: Gateway, alg: str) -> None:
    token = a_token(gateway, ED_KEY)
    proof = a_proof(token, ED_KEY, {"alg": alg})
    assert (await ask(gateway, token, proof)).status_code == 200


async def test_the_scheme_is_read_in_any_case(gateway: Gateway) -> None:
    token = a_token(gateway)
    assert (await ask(gateway, token, a_proof(token), scheme=b"dpop")).status_code == 200


async def test_the_same_token_needs_a_new_proof_each_time(gateway: Gateway) -> None:
    token = a_token(gateway)
    proof = a_proof(token)
    assert (await ask(gateway, token, proof)).status_code == 200
    refused(await ask(gateway, token, proof), BAD_PROOF)
    assert (await ask(gateway, token, a_proof(token))).status_code == 200


async def test_a_name_that_another_key_used_is_free(gateway: Gateway) -> None:
    name = str(uuid.uuid4())
    for key in (KEY, OTHER):
        token = a_token(gateway, key)
        assert (await ask(gateway, token, a_proof(token, key, jti=name))).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        f"{URL}:443/v1/me",
        "HTTPS://GATEWAY.example/v1/me",
        f"{URL}/v1/me?limit=1",
        f"{URL}/v1/me#here",
        f"{URL}/v1/%6De",
    ],
)
async def test_the_address_may_be_spelled_in_its_ways(gateway: Gateway, target: str) -> None:
    token = a_token(gateway)
    assert (await ask(gateway, token, a_proof(token, htu=target))).status_code == 200


async def test_the_query_of_the_request_does_not_count(gateway: Gateway) -> None:
    token = a_token(gateway)
    proof = a_proof(token, htu=f"{URL}/v1/lines")
    response = await ask(gateway, token, proof, path="/v1/lines?limit=1")
    assert response.status_code == 200, response.text


def now_and(seconds: float) -> float:
    return int(datetime.now(UTC).timestamp()) + seconds


BAD: dict[str, Callable[[str], str | bytes]] = {
    "another method": lambda token: a_proof(token, htm="POST"),
    "method in small letters": lambda token: a_proof(token, htm="get"),
    "no method": lambda token: a_proof(token, htm=None),
    "method a list": lambda token: a_proof(token, htm=["GET"]),
    "another path": lambda token: a_proof(token, htu=f"{URL}/v1/lines"),
    "path with a slash more": lambda token: a_proof(token, htu=f"{URL}/v1/me/"),
    "another host": lambda token: a_proof(token, htu="https://gateway.example.org/v1/me"),
    "another port": lambda token: a_proof(token, htu=f"{URL}:8443/v1/me"),
    "another scheme": lambda token: a_proof(token, htu="http://gateway.example/v1/me"),
    "a user in the address": lambda token: a_proof(token, htu="https://a@gateway.example/v1/me"),
    "a path alone": lambda token: a_proof(token, htu="/v1/me"),
    "a port that is none": lambda token: a_proof(token, htu="https://gateway.example:x/v1/me"),
    "brackets": lambda token: a_proof(token, htu="https://[gateway.example/v1/me"),
    "no address": lambda token: a_proof(token, htu=None),
    "address a number": lambda token: a_proof(token, htu=7),
    "bytes that are no text": lambda token: a_proof(token, htu=f"{URL}/v1/%FFme"),
    "too old": lambda token: a_proof(token, iat=now_and(-90)),
    "from the future": lambda token: a_proof(token, iat=now_and(90)),
    "no time": lambda token: a_proof(token, iat=None),
    "time a text": lambda token: a_proof(token, iat="now"),
    "time a fraction": lambda token: a_proof(token, iat=now_and(0.5)),
    "no name": lambda token: a_proof(token, jti=None),
    "name empty": lambda token: a_proof(token, jti=""),
    "name huge": lambda token: a_proof(token, jti="x" * 300),
    "name a number": lambda token: a_proof(token, jti=7),
    "another token": lambda token: a_proof(token, ath=hash_of("other")),
    "no token": lambda token: a_proof(token, ath=None),
    "token's hash padded": lambda token: a_proof(token, ath=hash_of(token) + "="),
    "token's hash not ASCII": lambda token: a_proof(token, ath="ü" * 43),
    "token itself": lambda token: a_proof(token, ath=token),
    "no type": lambda token: a_proof(token, head={"typ": None}),
    "type of a token": lambda token: a_proof(token, head={"typ": "at+jwt"}),
    "type in capitals": lambda token: a_proof(token, head={"typ": "DPOP+JWT"}),
    "no key": lambda token: a_proof(token, head={"jwk": None}),
    "key a text": lambda token: a_proof(token, head={"jwk": "key"}),
    "key of nothing": lambda token: a_proof(token, head={"jwk": {}}),
    "the private key": lambda token: a_proof(token, head={"jwk": dict(KEY.as_dict(private=True))}),
    "another's key inside": lambda token: a_proof(
        token, head={"jwk": dict(OTHER.as_dict(private=False))}
    ),
    "a shared secret": lambda token: signed(
        proof_claims(token),
        proof_header(alg="HS256", jwk={"kty": "oct", "k": b64(b"0" * 32)}),
        KEY,
        alg="ES256",
    ),
    "an RSA key": lambda token: signed(proof_claims(token), proof_header(RSA, alg="RS256"), RSA),
    "none": lambda token: signed(proof_claims(token), proof_header(alg="none"), KEY, alg="ES256"),
    "jku": lambda token: a_proof(token, head={"jku": "https://attacker.example"}),
    "crit": lambda token: a_proof(token, head={"crit": ["jwk"]}),
    "a claim twice": lambda token: signed(
        (json.dumps(proof_claims(token, htm="POST"))[:-1] + ', "htm": "GET"}').encode(),
        proof_header(),
        KEY,
    ),
    "changed": lambda token: a_proof(token)[:-6] + "AAAAAA",
    "unsigned": lambda token: a_proof(token).rpartition(".")[0] + ".",
    "empty": lambda _: "",
    "no token at all": lambda _: "proof",
    "not ASCII": lambda _: b"\xff\xfe",
    "huge": lambda token: a_proof(token, more="x" * 9_000),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
async def test_a_bad_proof_is_refused(gateway: Gateway, make: Callable[[str], str | bytes]) -> None:
    token = a_token(gateway)
    refused(await ask(gateway, token, make(token)), BAD_PROOF)


async def test_a_proof_must_be_there_and_be_one(gateway: Gateway) -> None:
    token = a_token(gateway)
    refused(await ask(gateway, token), BAD_PROOF)
    refused(await ask(gateway, token, a_proof(token), a_proof(token)), BAD_PROOF)


async def test_a_proof_by_a_key_that_the_token_is_not_bound_to_is_refused(
    gateway: Gateway,
) -> None:
    token = a_token(gateway)
    refused(await ask(gateway, token, a_proof(token, OTHER)), BAD_TOKEN)


async def test_a_bound_token_is_no_bearers(gateway: Gateway) -> None:
    token = a_token(gateway)
    for proofs in ((), (a_proof(token),)):
        response = await ask(gateway, token, *proofs, scheme=b"Bearer")
        refused(response, 'Bearer error="invalid_token"')


async def test_a_bearers_token_is_not_taken_with_a_proof(gateway: Gateway) -> None:
    token = gateway.maker("own").token()
    refused(await ask(gateway, token, a_proof(token)), BAD_TOKEN)


async def test_an_api_key_is_not_taken_with_a_proof(gateway: Gateway) -> None:
    key = "xgw_" + "a" * 43
    response = await ask(gateway, key, a_proof(key))
    problem = assert_problem(response, 401, "unauthenticated")
    assert problem["detail"] == REFUSAL


async def test_a_header_with_a_bearers_token_does_not_count(gateway: Gateway) -> None:
    token = gateway.maker("own").token()
    response = await ask(gateway, token, b"nonsense", scheme=b"Bearer")
    assert response.status_code == 200


async def test_an_expired_token_is_not_saved_by_its_proof(gateway: Gateway) -> None:
    token = a_token(gateway, exp=int(now_and(-1)), iat=int(now_and(-60)))
    refused(await ask(gateway, token, a_proof(token)), BAD_TOKEN)


async def test_the_refusal_of_a_proof_says_so(gateway: Gateway) -> None:
    token = a_token(gateway)
    response = await ask(gateway, token, a_proof(token, htm="POST"))
    assert response.json()["detail"] == PROOF_REFUSAL
