"""Tokens that must be refused. Each differs from a good one in one thing, which its name tells."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OctKey

from tests.identity.resource_server import Maker
from tests.identity.signing import OTHER_EC, RSA, b64, from_b64, signed

Made: TypeAlias = str | bytes
Make: TypeAlias = Callable[[Maker], Made]

ATTACKER: Final = "https://attacker.example/keys"
SOON: Final = 4_000_000_000  # The year 2096.


def with_claims(**different: Any) -> Make:
    """A claim is another, or, where None, missing."""
    return lambda maker: maker.token(**different)


def with_null(name: str) -> Make:
    """A claim is null."""

    def make(maker: Maker) -> str:
        return signed(maker.claims() | {name: None}, maker.header(), maker.key)

    return make


def moved(**seconds: float) -> Make:
    """Times are so far from now."""

    def make(maker: Maker) -> str:
        now = int(maker.claims()["iat"])
        return maker.token(**{name: now + by for name, by in seconds.items()})

    return make


def with_header(**different: Any) -> Make:
    """The header is another; it is signed as usual."""

    def make(maker: Maker) -> str:
        usual = str(maker.header()["alg"])
        return signed(maker.claims(), maker.header(**different), maker.key, alg=usual)

    return make


def with_kid_null(maker: Maker) -> str:
    return signed(maker.claims(), maker.header() | {"kid": None}, maker.key)


def with_payload(body: bytes) -> Make:
    """The payload is something else; the signature is good."""
    return lambda maker: signed(body, maker.header(), maker.key)


def with_json(change: Callable[[str], str]) -> Make:
    """The payload's JSON is spelled in another way; the signature is good."""
    return lambda maker: signed(
        change(json.dumps(maker.claims())).encode("utf-8", "surrogatepass"),
        maker.header(),
        maker.key,
    )


def with_head(change: Callable[[str], bytes]) -> Make:
    """The header's JSON is spelled in another way; the signature is good."""

    def make(maker: Maker) -> str:
        head = change(json.dumps(maker.header()))
        return signed(maker.claims(), head, maker.key, alg=str(maker.header()["alg"]))

    return make


def edited(change: Callable[[str, str, str], Made]) -> Make:
    """The three parts of a good token, put together in another way."""
    return lambda maker: change(*maker.token().split("."))


def respelled(change: Callable[[str], Made]) -> Make:
    """The text of a good token, changed."""
    return lambda maker: change(maker.token())


def flipped(part: str, place: int = 0) -> str:
    raw = bytearray(from_b64(part))
    raw[place] ^= 1
    return b64(bytes(raw))


def by_hmac(name: str, secret: Callable[[Maker], bytes]) -> Make:
    """Signed with what everybody knows, as if it were a secret."""

    def make(maker: Maker) -> str:
        head = b64(json.dumps(maker.header(alg=name)).encode())
        text = f"{head}.{b64(json.dumps(maker.claims()).encode())}"
        digest = getattr(hashlib, "sha" + name[2:])
        return f"{text}.{b64(hmac.new(secret(maker), text.encode(), digest).digest())}"

    return make


def pem_of(maker: Maker) -> bytes:
    found: bytes = maker.key.public_key.public_bytes(  # type: ignore[union-attr]
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return found


def der_of(maker: Maker) -> bytes:
    found: bytes = maker.key.public_key.public_bytes(  # type: ignore[union-attr]
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return found


def by_another_key(maker: Maker) -> str:
    return signed(maker.claims(), maker.header(alg="ES256"), OTHER_EC)


def by_another_curve(maker: Maker) -> str:
    return signed(maker.claims(), maker.header(alg="ES384"), ECKey.generate_key("P-384"))


def by_another_kind(maker: Maker) -> str:
    other = RSA if maker.key is not RSA else OTHER_EC
    name = "RS256" if other is RSA else "ES256"
    return signed(maker.claims(), maker.header(), other, alg=name)


def with_own_key_inside(maker: Maker) -> str:
    jwk = OTHER_EC.as_dict(private=False)
    return signed(maker.claims(), maker.header(alg="ES256", jwk=jwk), OTHER_EC)


def of_json_form(head: str, payload: str, signature: str) -> str:
    return json.dumps({"protected": head, "payload": payload, "signature": signature})


def last_bits_set(text: str) -> str:
    """Return another spelling of the same bytes: unused bits of the last letter are set."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + letters[letters.index(text[-1]) + 1]


CLAIMS: Final[dict[str, Make]] = {
    "audience of another": with_claims(aud="https://other.example"),
    "no audience": with_claims(aud=None),
    "null audience": with_null("aud"),
    "audiences of others": with_claims(aud=["https://other.example", "account"]),
    "no audiences": with_claims(aud=[]),
    "audience a number": with_claims(aud=7),
    "audience an object": with_claims(aud={"https://api.gateway.example": True}),
    "audience in a list in a list": with_claims(
        aud=[["https://gateway.example", "https://api.gateway.example"]]
    ),
    "audience and a number": with_claims(
        aud=["https://gateway.example", "https://api.gateway.example", 1]
    ),
    "audience in capitals": with_claims(aud="HTTPS://API.GATEWAY.EXAMPLE"),
    "audience with a slash more": with_claims(aud="https://gateway.example/"),
    "issuer unknown": with_claims(iss="https://attacker.example"),
    "no issuer": with_claims(iss=None),
    "null issuer": with_null("iss"),
    "issuer a list": with_claims(iss=["https://gateway.example"]),
    "issuer an object": with_claims(iss={"": "https://gateway.example"}),
    "issuer a number": with_claims(iss=1),
    "issuer with a path more": lambda maker: maker.token(iss=maker.claims()["iss"] + "/x"),
    "issuer with a blank more": lambda maker: maker.token(iss=maker.claims()["iss"] + " "),
    "expired": moved(exp=-1, iat=-300),
    "expires now": moved(exp=0, iat=-300),
    "no expiry": with_claims(exp=None),
    "null expiry": with_null("exp"),
    "expiry a fraction": moved(exp=60.5),
    "expiry a text": with_claims(exp=str(SOON)),
    "expiry true": with_claims(exp=True),
    "expiry a list": with_claims(exp=[SOON]),
    "expiry negative": with_claims(exp=-SOON),
    "expiry far off": with_claims(exp=SOON),
    "expiry beyond all dates": with_claims(exp=10**17),
    "expiry longer than any number": with_json(
        lambda text: text.replace('"exp": ', '"exp": ' + "9" * 5_000, 1)
    ),
    "expiry an infinity": with_json(lambda text: text[:-1] + ', "exp": 1e999}'),
    "expiry before its beginning": moved(exp=10, iat=20),
    "lives too long": moved(exp=8 * 86_400),
    "no issue time": with_claims(iat=None),
    "issued in the future": moved(iat=120),
    "issue time a text": with_claims(iat="now"),
    "issue time a fraction": moved(iat=-0.5),
    "issue time negative": with_claims(iat=-1),
    "not yet": moved(nbf=120),
    "not before a text": with_claims(nbf="0"),
    "not before a list": with_claims(nbf=[0]),
    "no subject": with_claims(sub=None),
    "subject a list": with_claims(sub=["a"]),
    "subject a number": with_claims(sub=7),
    "subject an object": with_claims(sub={"id": "a"}),
    "subject empty": with_claims(sub=""),
    "subject huge": with_claims(sub="a" * 300),
    "subject with a zero byte": with_claims(sub="cli\u0000"),
    "subject with a line break": with_claims(sub="a\nb"),
    "subject turned around": with_claims(sub="a\u202eb"),
    "token id a list": with_claims(jti=["a"]),
    "token id a number": with_claims(jti=7),
    "client a list": with_claims(client_id=["a"]),
    "client an object": with_claims(client_id={"a": 1}),
    "actor a text": with_claims(act="operator"),
    "actor without a name": with_claims(act={}),
    "actors without end": with_claims(act=json.loads('{"sub":"a","act":' * 6 + "null" + "}" * 6)),
    "bound to nothing": with_claims(cnf={}),
    "bound to a text": with_claims(cnf="key"),
    "bound to a certificate": with_claims(cnf={"x5t#S256": "A" * 43}),
    "bound to a short thumbprint": with_claims(cnf={"jkt": "abc"}),
    "bound, but sent as a bearer's": lambda maker: maker.token(cnf={"jkt": OTHER_EC.thumbprint()}),
}

HEADERS: Final[dict[str, Make]] = {
    "none": with_header(alg="none"),
    "none, unsigned": lambda maker: (
        signed(
            maker.claims(), maker.header(alg="none"), maker.key, alg=str(maker.header()["alg"])
        ).rpartition(".")[0]
        + "."
    ),
    "None": with_header(alg="None"),
    "nOnE": with_header(alg="nOnE"),
    "no algorithm": with_header(alg=None),
    "algorithm a list": with_header(alg=["ES256", "RS256"]),
    "algorithm a number": with_header(alg=256),
    "algorithm an object": with_header(alg={"ES256": True}),
    "algorithm empty": with_header(alg=""),
    "algorithm in small letters": with_header(alg="es256"),
    "algorithm unknown": with_header(alg="XS256"),
    "algorithm of another key": with_header(alg="EdDSA"),
    "RS384": with_header(alg="RS384"),
    "ES256K": with_header(alg="ES256K"),
    "ES384 named only": with_header(alg="ES384"),
    "ES384": by_another_curve,
    "RSA-OAEP": with_header(alg="RSA-OAEP"),
    "HS256 with the public key in PEM": by_hmac("HS256", pem_of),
    "HS256 with the public key in PEM, without its line end": by_hmac(
        "HS256", lambda maker: pem_of(maker).strip()
    ),
    "HS256 with the public key in DER": by_hmac("HS256", der_of),
    "HS256 with the public JWK": by_hmac("HS256", lambda maker: json.dumps(maker.jwk).encode()),
    "HS256 with the thumbprint": by_hmac("HS256", lambda maker: maker.key.thumbprint().encode()),
    "HS256 with the name of the key": by_hmac("HS256", lambda maker: b"k1"),
    "HS256 with nothing": by_hmac("HS256", lambda maker: b""),
    "HS384 with the public key": by_hmac("HS384", pem_of),
    "HS512 with the public key": by_hmac("HS512", pem_of),
    "no key named": with_header(kid=None),
    "key null": with_kid_null,
    "key unknown": with_header(kid="k-unknown"),
    "key a number": with_header(kid=1),
    "key a list": with_header(kid=["k1"]),
    "key empty": with_header(kid=""),
    "key a path": with_header(kid="../../../../dev/null"),
    "key an injection": with_header(kid="k1' UNION SELECT 'x' --"),
    "key with a zero byte": with_header(kid="k1\u0000"),
    "key huge": with_header(kid="k" * 1_000),
    "no type": with_header(typ=None),
    "type of a proof": with_header(typ="dpop+jwt"),
    "type of an ID": with_header(typ="id+jwt"),
    "type of a logout": with_header(typ="logout+jwt"),
    "type a number": with_header(typ=1),
    "type a list": with_header(typ=["at+jwt", "JWT"]),
    "type with more": with_header(typ="application/application/at+jwt"),
    "jku": with_header(jku=ATTACKER),
    "jwk": with_header(jwk=OTHER_EC.as_dict(private=False)),
    "jwk that signed": with_own_key_inside,
    "x5u": with_header(x5u=ATTACKER),
    "x5c": with_header(x5c=["MIIB"]),
    "crit unknown": with_header(crit=["exp"], exp=SOON),
    "crit empty": with_header(crit=[]),
    "crit b64": with_header(crit=["b64"], b64=False),
    "b64 alone": with_header(b64=False),
    "nested": with_header(cty="JWT"),
    "compressed": with_header(zip="DEF"),
    "encrypted": with_header(enc="A128GCM"),
    "a member twice": with_head(lambda text: ('{"alg": "none", ' + text[1:]).encode()),
    "header a list": with_head(lambda text: f"[{text}]".encode()),
    "header a text": with_head(lambda text: json.dumps(text).encode()),
    "header no JSON": with_head(lambda text: text[:-1].encode()),
    "header in UTF-16": with_head(lambda text: text.encode("utf-16")),
    "header no UTF-8": with_head(lambda text: b'{"x": "\xff", ' + text[1:].encode()),
    "header with half a pair": with_head(lambda text: b'{"x": "\\ud800", ' + text[1:].encode()),
}

SIGNATURES: Final[dict[str, Make]] = {
    "header changed": edited(lambda head, body, sign: f"{flipped(head, -2)}.{body}.{sign}"),
    "payload changed": edited(lambda head, body, sign: f"{head}.{flipped(body, -3)}.{sign}"),
    "signature changed at its beginning": edited(
        lambda head, body, sign: f"{head}.{body}.{flipped(sign)}"
    ),
    "signature changed at its end": edited(
        lambda head, body, sign: f"{head}.{body}.{flipped(sign, -1)}"
    ),
    "signature cut": edited(lambda head, body, sign: f"{head}.{body}.{b64(from_b64(sign)[:-1])}"),
    "signature of one byte": edited(lambda head, body, sign: f"{head}.{body}.AA"),
    "signature too long": edited(
        lambda head, body, sign: f"{head}.{body}.{b64(from_b64(sign) + b'0')}"
    ),
    "signature all zero": edited(
        lambda head, body, sign: f"{head}.{body}.{b64(bytes(len(from_b64(sign))))}"
    ),
    "signature all ones": edited(
        lambda head, body, sign: f"{head}.{body}.{b64(bytes([255] * len(from_b64(sign))))}"
    ),
    "signature in DER": edited(
        lambda head, body, sign: f"{head}.{body}.{b64(bytes.fromhex('3006020101020101'))}"
    ),
    "signature removed": edited(lambda head, body, sign: f"{head}.{body}."),
    "signature and its dot removed": edited(lambda head, body, sign: f"{head}.{body}"),
    "signature of another token": lambda maker: (
        maker.token().rpartition(".")[0] + "." + maker.token(x=1).rpartition(".")[2]
    ),
    "payload of another token": edited(lambda head, body, sign: f"{head}.{b64(b'{}')}.{sign}"),
    "payload removed": edited(lambda head, body, sign: f"{head}..{sign}"),
    "header removed": edited(lambda head, body, sign: f".{body}.{sign}"),
    "parts swapped": edited(lambda head, body, sign: f"{body}.{head}.{sign}"),
    "signed by a stranger": by_another_key,
    "signed by another kind of key": by_another_kind,
    "signed by a shared secret": lambda maker: signed(
        maker.claims(), maker.header(alg="HS256"), OctKey.generate_key(256)
    ),
}

SPELLINGS: Final[dict[str, Make]] = {
    "padding": respelled(lambda text: text + "="),
    "padding in the middle": edited(lambda head, body, sign: f"{head}==.{body}.{sign}"),
    "unused bits set": edited(
        lambda head, body, sign: f"{head}.{body}.{last_bits_set(b64(from_b64(sign)))}"
    ),
    "a blank in the middle": edited(lambda head, body, sign: f"{head}. {body}.{sign}"),
    "a tab in the middle": edited(lambda head, body, sign: f"{head}.\t{body}.{sign}"),
    "a letter of the other alphabet": edited(lambda head, body, sign: f"{head}.{body}.{sign}+/"),
    "a foreign letter": respelled(lambda text: text.replace(".", "\u3002").encode()),
    "full width": respelled(lambda text: chr(ord(text[0]) + 0xFEE0).encode() + text[1:].encode()),
    "raw bytes": respelled(lambda text: b"\xff\xfe" + text.encode()),
    "escaped as in a URL": respelled(lambda text: text.replace(".", "%2E")),
    "five parts": respelled(lambda text: text + ".AA.AA"),
    "four parts": respelled(lambda text: text + ".AA"),
    "one part": respelled(lambda text: text.replace(".", "")),
    "only dots": respelled(lambda text: ".."),
    "a dot more in front": respelled(lambda text: "." + text),
    "the JSON form": edited(of_json_form),
    "twice": respelled(lambda text: f"{text}, {text}"),
    "quoted": respelled(lambda text: f'"{text}"'),
    "too long": lambda maker: maker.token(more="x" * 8_000),
    "far too long": lambda maker: maker.token(more="x" * 20_000),
    "a letter cut off": respelled(lambda text: text[1:]),
}

PAYLOADS: Final[dict[str, Make]] = {
    "a list": with_payload(b"[]"),
    "a list of claims": with_json(lambda text: f"[{text}]"),
    "a text": with_payload(b'"claims"'),
    "a number": with_payload(b"7"),
    "null": with_payload(b"null"),
    "true": with_payload(b"true"),
    "an empty object": with_payload(b"{}"),
    "no JSON": with_payload(b"claims"),
    "half an object": with_json(lambda text: text[:-1]),
    "two objects": with_json(lambda text: text + "{}"),
    "a comma more": with_json(lambda text: text[:-1] + ",}"),
    "a comment": with_json(lambda text: text + "/* */"),
    "a mark in front": with_json(lambda text: "\ufeff" + text),
    "UTF-16": lambda maker: signed(
        json.dumps(maker.claims()).encode("utf-16"), maker.header(), maker.key
    ),
    "no UTF-8": lambda maker: signed(
        json.dumps(maker.claims())[:-1].encode() + b', "x": "\xff"}', maker.header(), maker.key
    ),
    "a claim twice": with_json(lambda text: text[:-1] + f', "exp": {SOON}}}'),
    "a claim twice by its escape": with_json(lambda text: text[:-1] + ', "\\u0073ub": "operator"}'),
    "a claim twice further in": with_json(lambda text: text[:-1] + ', "x": {"a": 1, "a": 2}}'),
    "not a number": with_json(lambda text: text[:-1] + ', "x": NaN}'),
    "an infinity": with_json(lambda text: text[:-1] + ', "x": -Infinity}'),
    "a huge number": with_json(lambda text: text[:-1] + ', "x": 1e400}'),
    "half a pair": with_json(lambda text: text[:-1] + ', "x": "\\ud83d"}'),
    "half a pair as a name": with_json(lambda text: text[:-1] + ', "\\udc00": 1}'),
    "nested too deep": with_json(
        lambda text: text[:-1] + ', "x": ' + "[" * 2_400 + "]" * 2_400 + "}"
    ),
    "nested objects": with_json(
        lambda text: text[:-1] + ', "x": ' + '{"a":' * 900 + "1" + "}" * 901
    ),
    "a token inside": lambda maker: signed(maker.token().encode(), maker.header(), maker.key),
}

#: For all issuers.
HOSTILE: Final[dict[str, Make]] = {
    f"{group}: {name}": make
    for group, cases in (
        ("claims", CLAIMS),
        ("header", HEADERS),
        ("signature", SIGNATURES),
        ("spelling", SPELLINGS),
        ("payload", PAYLOADS),
    )
    for name, make in cases.items()
}
