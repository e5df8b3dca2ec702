"""JWK Sets of clients: public keys for signatures, and whatever is wrong with them at once."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from gateway.domain.jwks import BYTES_MAX, jwks_faults
from tests.keys import EC, ED25519, RSA


def b64(number: int, length: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(length, "big")).decode().rstrip("=")


def found(*keys: Any) -> list[tuple[str, str]]:
    faults = list(jwks_faults({"keys": list(keys)}))
    assert all(fault.detail.endswith(".") or "match" in fault.detail for fault in faults)
    return [(fault.pointer.removeprefix("/jwks/keys"), fault.code) for fault in faults]


def test_each_kind_of_public_key_is_fine_alone_and_together() -> None:
    keys = (EC, ED25519, RSA)
    for key in keys:
        assert found(key) == []
    assert found(*keys) == []
    assert len(KeySet.import_key_set({"keys": list(keys)}).keys) == 3


def test_what_browsers_and_others_add_is_fine() -> None:
    for key, alg in ((EC, "ES256"), (ED25519, "EdDSA"), (ED25519, "Ed25519"), (RSA, "PS256")):
        assert found(key | {"use": "sig", "key_ops": ["verify"], "ext": True, "alg": alg}) == []


@pytest.mark.parametrize("made", [ECKey, OKPKey, RSAKey], ids=lambda made: made.__name__)
def test_no_private_key_is_taken(made: Any) -> None:
    size = {ECKey: "P-256", OKPKey: "Ed25519", RSAKey: 2048}[made]
    key = made.generate_key(size, {"kid": "a"}, private=True).as_dict(private=True)
    public = made.import_key(key).as_dict(private=False) | {"kid": "a"}
    secret = key.keys() - public.keys()
    assert "d" in secret
    assert set(found(key)) == {(f"/0/{name}", "not_allowed") for name in secret}
    for name in secret:
        assert found(public | {name: key[name]}) == [(f"/0/{name}", "not_allowed")]
        assert key[name] not in str(list(jwks_faults({"keys": [key]})))


def test_a_shared_secret_is_no_public_key() -> None:
    key = {"kty": "oct", "kid": "a", "k": "c2VjcmV0c2VjcmV0c2VjcmV0"}
    assert found(key) == [("/0/k", "not_allowed"), ("/0/kty", "not_allowed")]
    assert found({"kty": "oct", "kid": "a"}) == [("/0/kty", "not_allowed")]


P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
WRONG: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("another curve", EC | {"crv": "P-384"}, [("/0/crv", "unknown_value")]),
    ("a curve for encryption", ED25519 | {"crv": "X25519"}, [("/0/crv", "unknown_value")]),
    ("no curve", {k: v for k, v in EC.items() if k != "crv"}, [("/0/crv", "missing")]),
    ("a kind of tomorrow", {"kty": "AKP", "kid": "a"}, [("/0/kty", "unknown_value")]),
    ("no kind", {"kid": "a"}, [("/0/kty", "missing")]),
    ("a kind that is a list", {"kty": ["EC"], "kid": "a"}, [("/0/kty", "unknown_value")]),
    ("no kid", {k: v for k, v in EC.items() if k != "kid"}, [("/0/kid", "missing")]),
    ("an empty kid", EC | {"kid": ""}, [("/0/kid", "bad_format")]),
    ("a kid of two lines", EC | {"kid": "a\n"}, [("/0/kid", "bad_format")]),
    ("a kid that is a number", EC | {"kid": 1}, [("/0/kid", "wrong_type")]),
    ("a point beside the curve", EC | {"x": EC["y"]}, [("/0/x", "not_allowed")]),
    ("the point 0, 0", EC | {"x": b64(0, 32), "y": b64(0, 32)}, [("/0/x", "not_allowed")]),
    ("a number beyond the field", EC | {"x": b64(P256, 32)}, [("/0/x", "not_allowed")]),
    ("a short number", EC | {"x": EC["x"][:-2]}, [("/0/x", "bad_format")]),
    ("with padding", EC | {"x": EC["x"] + "="}, [("/0/x", "bad_format")]),
    ("bits too many", ED25519 | {"x": ED25519["x"][:-1] + "B"}, [("/0/x", "bad_format")]),
    ("1024 bits", RSA | {"n": b64(2**1023 + 1, 128)}, [("/0/n", "bad_format")]),
    ("2047 bits", RSA | {"n": b64(2**2046 + 1, 256)}, [("/0/n", "out_of_range")]),
    ("8200 bits", RSA | {"n": b64(2**8199 + 1, 1025)}, [("/0/n", "bad_format")]),
    ("an even modulus", RSA | {"n": b64(2**2047, 256)}, [("/0/n", "out_of_range")]),
    ("no base64", RSA | {"n": "A" * 345}, [("/0/n", "out_of_range")]),
    ("an exponent of 1", RSA | {"e": "AAAB"}, [("/0/e", "out_of_range")]),
    ("an even exponent", RSA | {"e": "AAQ"}, [("/0/e", "out_of_range")]),
    ("a long exponent", RSA | {"e": "A" * 8}, [("/0/e", "bad_format")]),
    ("for encryption", RSA | {"use": "enc"}, [("/0/use", "unknown_value")]),
    ("to sign with", EC | {"key_ops": ["sign"]}, [("/0/key_ops", "unknown_value")]),
    ("an HMAC's algorithm", EC | {"alg": "HS256"}, [("/0/alg", "unknown_value")]),
    ("no algorithm at all", RSA | {"alg": "none"}, [("/0/alg", "unknown_value")]),
    ("an algorithm that is a list", RSA | {"alg": ["RS256"]}, [("/0/alg", "unknown_value")]),
    ("another kind's algorithm", EC | {"alg": "RS256"}, [("/0/alg", "unknown_value")]),
    ("ext that is a text", EC | {"ext": "true"}, [("/0/ext", "wrong_type")]),
    ("a certificate's address", EC | {"x5u": "http://x"}, [("/0/x5u", "unknown_field")]),
    ("another kind's member", ED25519 | {"y": EC["y"]}, [("/0/y", "unknown_field")]),
    ("a name with a slash", EC | {"a/b~": 1}, [("/0/a~1b~0", "unknown_field")]),
]


@pytest.mark.parametrize(("key", "faults"), [it[1:] for it in WRONG], ids=[it[0] for it in WRONG])
def test_a_key_that_cannot_be_one_is_told_where(
    key: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert found(key) == faults


def test_all_faults_are_told_at_once() -> None:
    faults = found(
        EC | {"crv": "P-384", "kid": 1}, 7, RSA, RSA | {"e": "AAAB", "d": "x"}, ED25519 | {"x": ""}
    )
    assert faults == [
        ("/0/crv", "unknown_value"),
        ("/0/kid", "wrong_type"),
        ("/1", "wrong_type"),
        ("/3/d", "not_allowed"),
        ("/3/e", "out_of_range"),
        ("/3/kid", "duplicate"),
        ("/4/x", "bad_format"),
    ]


@pytest.mark.parametrize(
    ("jwks", "fault"),
    [
        ({}, ("/jwks/keys", "missing")),
        ({"keys": None}, ("/jwks/keys", "wrong_type")),
        ({"keys": EC}, ("/jwks/keys", "wrong_type")),
        ({"keys": []}, ("/jwks/keys", "too_short")),
        ({"keys": [EC] * 11}, ("/jwks/keys", "too_long")),
        ({"keys": [EC], "more": 1}, ("/jwks/more", "unknown_field")),
        ({"keys": [EC | {"note": "x" * BYTES_MAX}]}, ("/jwks", "too_long")),
    ],
)
def test_a_set_that_cannot_be_one_is_told_where(
    jwks: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert [(it.pointer, it.code) for it in jwks_faults(jwks)] == [fault]
