"""Our own tokens: what a good one says, and how long it is believed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.errors import ServiceUnavailable, Unauthenticated
from gateway.domain.ids import ResellerId
from gateway.domain.tokens import Token
from gateway.identity.issuers import own_issuer
from gateway.identity.public_keys import FixedKeys, PublicKey
from gateway.identity.refusals import REFUSAL
from gateway.identity.tokens import REMEMBERED_MAX, REMEMBERED_SECONDS, AccessTokens
from tests.identity.signing import (
    CLIENT_ID,
    EC,
    ED,
    LINE_ID,
    NOW,
    RESELLER_ID,
    TOKEN_ID,
    URL,
    claims,
    header,
    public,
    signed,
)
from tests.identity.times import SetClock


class CountingKeys(FixedKeys):
    """Keys that count how often they are asked for, and may be away."""

    def __init__(self) -> None:
        super().__init__({"k1": public(EC), "k2": public(ED)})
        self.asked = 0
        self.is_away = False

    async def key(self, kid: str) -> PublicKey | None:
        self.asked += 1
        if self.is_away:
            raise ServiceUnavailable("The keys cannot be had.")
        return await super().key(kid)


@pytest.fixture
def keys() -> CountingKeys:
    return CountingKeys()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def tokens(keys: CountingKeys, clock: SetClock) -> AccessTokens:
    return AccessTokens([own_issuer(URL, keys)], clock)


async def refused(tokens: AccessTokens, text: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await tokens.verified(text)
    assert caught.value.detail == REFUSAL


async def test_a_clients_token_says_who_and_what(tokens: AccessTokens) -> None:
    assert await tokens.verified(signed(claims())) == Token(
        id=TOKEN_ID,
        issuer=URL,
        subject=CLIENT_ID,
        client_id=CLIENT_ID,
        scope=frozenset({"lines:read", "lines:write"}),
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
        reseller_id=ResellerId(RESELLER_ID),
    )


async def test_a_storefronts_token_says_which_line_and_who_acts(tokens: AccessTokens) -> None:
    act = {"sub": CLIENT_ID, "act": {"sub": "operator"}}
    token = await tokens.verified(signed(claims(sub=LINE_ID, resource_id=LINE_ID, act=act)))
    assert (token.subject, token.resource_id) == (LINE_ID, LINE_ID)
    assert token.chain == (CLIENT_ID, "operator")


async def test_an_operators_token_names_no_reseller(tokens: AccessTokens) -> None:
    assert (await tokens.verified(signed(claims(reseller_id=None)))).reseller_id is None


async def test_a_bound_token_names_its_key(tokens: AccessTokens) -> None:
    token = await tokens.verified(signed(claims(cnf={"jkt": EC.thumbprint()})))
    assert token.proof_key == EC.thumbprint()


@pytest.mark.parametrize(
    "different",
    [
        {"aud": ["https://other.example", URL]},
        {"scope": None},
        {"scope": ""},
        {"nbf": int(NOW.timestamp()) + 30},
        {"iat": int(NOW.timestamp()) + 30},
        {"exp": int(NOW.timestamp()) + 900},
        {"exp": int(NOW.timestamp()) + 1},
        {"unknown": {"deep": [1, 2.5, None]}},
    ],
    ids=lambda different: next(iter(different)),
)
async def test_what_is_within_the_limits_is_taken(
    tokens: AccessTokens, different: dict[str, Any]
) -> None:
    assert (await tokens.verified(signed(claims(**different)))).id == TOKEN_ID


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
async def test_both_names_of_ed25519_are_taken(tokens: AccessTokens, alg: str) -> None:
    text = signed(claims(), header(alg=alg, kid="k2"), ED)
    assert (await tokens.verified(text)).id == TOKEN_ID


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
async def test_the_type_is_read_in_any_case(tokens: AccessTokens, typ: str) -> None:
    assert (await tokens.verified(signed(claims(), header(typ=typ)))).id == TOKEN_ID


async def test_a_token_is_verified_once(tokens: AccessTokens, keys: CountingKeys) -> None:
    text = signed(claims())
    first = await tokens.verified(text)
    keys.is_away = True
    assert await tokens.verified(text) == first
    assert keys.asked == 1


async def test_a_remembered_token_ends_in_time(tokens: AccessTokens, clock: SetClock) -> None:
    text = signed(claims(exp=int(NOW.timestamp()) + 60))
    await tokens.verified(text)
    clock.past_seconds = 59.9
    await tokens.verified(text)
    clock.past_seconds = 60
    await refused(tokens, text)


async def test_a_withdrawn_key_is_noticed(
    tokens: AccessTokens, keys: CountingKeys, clock: SetClock
) -> None:
    text = signed(claims())
    await tokens.verified(text)
    clock.past_seconds = REMEMBERED_SECONDS
    await tokens.verified(text)
    assert keys.asked == 2


async def test_only_so_many_tokens_are_remembered(
    tokens: AccessTokens, keys: CountingKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REMEMBERED_MAX == 10_000
    monkeypatch.setattr("gateway.identity.tokens.REMEMBERED_MAX", 2)
    texts = [signed(claims(exp=int(NOW.timestamp()) + 100 + number)) for number in range(3)]
    for text in texts:
        await tokens.verified(text)
    for text in (texts[2], texts[1]):
        await tokens.verified(text)
    assert keys.asked == 3
    await tokens.verified(texts[0])
    assert keys.asked == 4


async def test_no_keys_is_our_fault_and_not_the_callers(
    tokens: AccessTokens, keys: CountingKeys
) -> None:
    keys.is_away = True
    with pytest.raises(ServiceUnavailable):
        await tokens.verified(signed(claims()))


async def test_nobody_is_asked_for_the_key_of_an_algorithm_that_is_not_taken(
    tokens: AccessTokens, keys: CountingKeys
) -> None:
    await refused(tokens, signed(claims(), header(alg="none"), alg="ES256"))
    assert keys.asked == 0
