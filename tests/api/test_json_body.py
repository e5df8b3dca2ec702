"""Strict JSON, and the canonical form of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.api.rest.json_body import canonical, parse
from gateway.domain.errors import MalformedBody
from tests.api.support import OPERATOR, api, assert_problem

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)

MALFORMED = {
    "nothing": b" ",
    "cut off": b'{"name":',
    "two values": b"{} {}",
    "trailing comma": b'{"name":"x",}',
    "single quotes": b"{'name':'x'}",
    "a comment": b'{"name":"x"} // why',
    "a key twice": b'{"name":"x","name":"y"}',
    "a key twice, escaped": b'{"name":"x","n\\u0061me":"y"}',
    "a key twice, inside": b'{"name":"x","labels":{"a":"1","a":"1"}}',
    "NaN": b'{"name":NaN}',
    "Infinity": b'{"count":Infinity}',
    "-Infinity": b'{"count":-Infinity}',
    "too large": b'{"count":1e400}',
    "too many digits": b'{"count":' + b"9" * 5_000 + b"}",
    "too many decimals": b'{"count":0.' + b"1" * 5_000 + b"}",
    "leading zero": b'{"count":01}',
    "half a pair": b'{"name":"\\ud83d"}',
    "half a pair in a key": b'{"\\ude00":"x"}',
    "not UTF-8": b'{"name":"\xff"}',
    "a surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}',
    "a byte order mark": b'\xef\xbb\xbf{"name":"x"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "a raw line feed": b'{"name":"a\nb"}',
    "a raw NUL": b'{"name":"a\x00b"}',
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep and open": b"[" * 100_000,
    "33 levels": b'{"parts":' + b"[" * 32 + b"]" * 32 + b"}",
    "deep after a string": b'{"a":"' + b"]" * 99 + b'","b":' + b"[" * 99 + b"]" * 99 + b"}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_not_one_clear_json_value_is_malformed(body: bytes) -> None:
    headers = OPERATOR | {"content-type": "application/json"}
    response = await api().post("/v1/things", headers=headers, content=body)
    assert_problem(response, 400, "malformed_body")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"true", b"null", b"1.5"])
async def test_a_value_that_is_no_object_is_invalid(body: bytes) -> None:
    headers = OPERATOR | {"content-type": "application/json"}
    response = await api().post("/v1/things", headers=headers, content=body)
    assert_problem(response, 422, "invalid_request", "")


def test_brackets_in_strings_do_not_nest() -> None:
    text = '[{"' * 100
    assert parse(json.dumps({"a": text, "b": text}).encode()) == {"a": text, "b": text}


def test_32_levels_are_fine() -> None:
    assert parse(b"[" * 32 + b"]" * 32)


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "😀"


@given(VALUES)
def test_every_json_value_is_read(value: Any) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = parse(body)
    except MalformedBody:
        return
    assert json.loads(body) == value


def shuffled(value: Any) -> Any:
    """Return the same JSON value with its members the other way round and numbers respelt."""
    match value:
        case bool():
            return value
        case int() if abs(value) < 2**53:
            return float(value)
        case list():
            return [shuffled(item) for item in value]
        case dict():
            return {name: shuffled(value[name]) for name in reversed(value)}
        case _:
            return value


@given(VALUES)
def test_order_white_space_and_spelling_do_not_count(value: Any) -> None:
    respelt = json.dumps(shuffled(value), indent=3).encode()
    assert canonical(parse(respelt)) == canonical(parse(json.dumps(value).encode()))


def typed(value: Any) -> Any:
    """Return *value* so that Python's equality is JSON's: true is not 1, but 1.0 is 1."""
    match value:
        case bool():
            return ("bool", value)
        case list():
            return [typed(item) for item in value]
        case dict():
            return {name: typed(item) for name, item in value.items()}
        case _:
            return value


@given(VALUES, VALUES)
@example(1, True)
@example(0, False)
@example(None, "null")
@example(1, "1")
@example([], {})
@example(2**53, 2**53 + 1)
@example(0.1, 0.2)
@example(0.0, -0.0)
@example({"a": 1}, {"a": None})
@example({"a": None}, {})
@example("é", "\\u00e9")
def test_two_values_have_one_form_only_if_they_are_equal(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) is (typed(one) == typed(other))


async def test_the_same_request_in_another_spelling_is_the_same() -> None:
    client = api()

    async def form(query: str, body: str) -> str:
        headers = OPERATOR | {"content-type": "application/json", "idempotency-key": "k"}
        response = await client.post(f"/v1/things{query}", headers=headers, content=body)
        request: str = response.json()["context"]["request"]
        return request

    first = await form("", '{"name":"x","count":2}')
    assert await form("", ' {"count" : 2,\n"n\\u0061me":"x"} ') == first
    assert await form("", '{"name":"x","count":3}') != first
    assert await form("", '{"name":"x"}') != first
    assert first == '["POST","/v1/things",[],{"count":2,"name":"x"}]'


@pytest.mark.parametrize("text", [b"2", b"2.0", b"20e-1", b"0.2E1"])
async def test_a_whole_number_may_be_spelt_in_any_way(text: bytes) -> None:
    headers = OPERATOR | {"content-type": "application/json"}
    body = b'{"name":"x","count":' + text + b"}"
    response = await api().post("/v1/things", headers=headers, content=body)
    assert response.status_code == 201
    assert type(parse(text)) is int
