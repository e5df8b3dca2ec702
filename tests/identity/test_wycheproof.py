"""The public vectors for JSON Web Signatures, against the layer that checks signatures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.identity.faults import TokenFault
from gateway.identity.fetching import IssuerAway
from gateway.identity.jws import ALGORITHMS, check_signature, parse
from gateway.identity.public_keys import public_key_of
from gateway.identity.remote_keys import keys_in

FOLDER: Final = Path(__file__).parents[1] / "data" / "wycheproof"

#: Valid ones that we refuse on purpose: by algorithms that we do not take, or without a payload,
#: or with characters in the base64 that a lenient reader skips.
ALGORITHMS_NOT_TAKEN: Final = frozenset(
    {"HS256", "HS384", "HS512", "RS384", "RS512", "PS384", "PS512", "ES512", "ES384"}
)


def cases(name: str) -> Iterator[Any]:
    """Yield the key or keys, the signed text and whether it must be taken."""
    for group in json.loads((FOLDER / name).read_text())["testGroups"]:
        keys = group.get("public") or group["private"]
        for case in group["tests"]:
            wanted = case["result"] == "valid" and not is_refused_on_purpose(case["jws"])
            label = f"{case['tcId']}-{group['comment']}-{case['comment']}"
            yield pytest.param(keys, case["jws"], wanted, id=label)


def is_refused_on_purpose(text: str) -> bool:
    head, payload, _ = text.split(".")
    if not payload or "?" in text:
        return True
    return parse(f"{head}.e30.e30").alg in ALGORITHMS_NOT_TAKEN


def is_taken(keys: dict[str, Any], text: str) -> bool:
    try:
        jws = parse(text)
        key = keys_in(keys).get(jws.kid) if "keys" in keys else public_key_of(keys)
        if key is None:
            return False
        check_signature(jws, key, ALGORITHMS)
    except (TokenFault, IssuerAway):
        return False
    return True


@pytest.mark.parametrize(
    ("keys", "text", "wanted"),
    [*cases("json_web_signature_test.json"), *cases("json_web_key_test.json")],
)
def test_a_vector_is_judged_as_it_should_be(keys: dict[str, Any], text: str, wanted: bool) -> None:
    assert is_taken(keys, text) == wanted


def test_the_vectors_are_all_there_and_some_are_taken() -> None:
    found = [*cases("json_web_signature_test.json"), *cases("json_web_key_test.json")]
    assert len(found) == 427
    assert sum(case.values[2] for case in found) == 15
