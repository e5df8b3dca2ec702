"""Whatever comes as a token or proof: it is refused, and nothing else happens."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.errors import Unauthenticated
from gateway.domain.proofs import Proof
from gateway.identity.dpop import Proofs
from gateway.identity.faults import TokenFault
from gateway.identity.issuers import Issuer, own_issuer
from gateway.identity.mapping import ClaimMapping
from gateway.identity.public_keys import FixedKeys, public_key_of
from gateway.identity.replays import MemoryReplays
from gateway.identity.tokens import AccessTokens
from tests.identity.signing import EC, NOW, URL, b64, claims, header, public, signed
from tests.identity.times import SetClock

FOREIGN: Final = "https://sso.example"
KEYS: Final = FixedKeys({"k1": public(EC)})
MAPPING: Final = ClaimMapping(reseller_claim="a.b", permissions_claim="p")
TOKENS: Final = AccessTokens(
    [own_issuer(URL, KEYS), Issuer(url=FOREIGN, audience=URL, keys=KEYS, read=MAPPING.read)],
    SetClock(),
)
PROOFS: Final = Proofs(URL, SetClock(), MemoryReplays(SetClock()))

#: JSON of any shape, names of claims and headers among its texts.
NAMES: Final = st.sampled_from(
    [*claims(), *header(), "act", "cnf", "jkt", "nbf", "azp", "jwk", "a"]
)
TEXTS: Final = st.one_of(NAMES, st.text(max_size=20), st.sampled_from([URL, FOREIGN, "at+jwt"]))
SCALARS: Final = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.just(int(NOW.timestamp()))
)
VALUES: Final = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
OBJECTS: Final = st.dictionaries(TEXTS, VALUES, max_size=6)
PARTS: Final = st.one_of(
    st.binary(max_size=60).map(b64),
    OBJECTS.map(lambda it: b64(json.dumps(it).encode("utf-8", "surrogatepass"))),
    st.text(max_size=20),
)


def verified(text: str) -> Any:
    """Return what comes of *text*: a token, or None for the one refusal."""
    try:
        return asyncio.run(TOKENS.verified(text))
    except Unauthenticated:
        return None


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    assert verified(text) is None


@given(st.lists(PARTS, min_size=3, max_size=3))
def test_no_three_parts_break_it(parts: list[str]) -> None:
    assert verified(".".join(parts)) is None


@settings(max_examples=300)
@given(OBJECTS, OBJECTS)
def test_no_signed_claims_and_no_header_break_it(
    claim_changes: dict[str, Any], header_changes: dict[str, Any]
) -> None:
    """Signed by the right key: what is wrong with it must be found by reading it."""
    head = json.dumps(header() | header_changes).encode("utf-8", "surrogatepass")
    body = json.dumps(claims() | claim_changes).encode("utf-8", "surrogatepass")
    token = verified(signed(body, head, EC, alg="ES256"))
    if token is not None:
        assert token.issuer in {URL, FOREIGN}
        assert token.issued_at < token.expires_at


@given(VALUES)
def test_no_jwk_breaks_it(jwk: Any) -> None:
    for form in (jwk, dict(EC.as_dict(private=False)) | (jwk if isinstance(jwk, dict) else {})):
        try:
            assert not public_key_of(form).is_private
        except TokenFault:
            continue


@given(OBJECTS, OBJECTS)
def test_no_proof_breaks_it(claim_changes: dict[str, Any], header_changes: dict[str, Any]) -> None:
    usual = {"typ": "dpop+jwt", "alg": "ES256", "jwk": dict(EC.as_dict(private=False))}
    head = json.dumps(usual | header_changes).encode("utf-8", "surrogatepass")
    body = {"jti": "j", "htm": "GET", "htu": URL + "/", "iat": int(NOW.timestamp())}
    text = signed(
        json.dumps(body | claim_changes).encode("utf-8", "surrogatepass"), head, EC, alg="ES256"
    )
    try:
        found = asyncio.run(PROOFS.key_of(Proof(text=text, method="GET", path="/")))
    except TokenFault:
        return
    assert found == EC.thumbprint()


@given(st.binary(max_size=200))
def test_no_bytes_break_a_proof(data: bytes) -> None:
    proof = Proof(text=data.decode("latin-1"), method="GET", path="/")
    try:
        asyncio.run(PROOFS.key_of(proof, "token"))
    except TokenFault:
        return
    raise AssertionError("a proof was made of nothing")
