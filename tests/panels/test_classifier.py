"""The classifier is total: whatever a panel answers, no other error and no wrong success."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.calls import (
    CreatedDevice,
    CreatedLine,
    DeviceInfo,
    Edited,
    LineInfo,
    NotOnPanel,
    Taken,
    Unconfirmed,
)
from gateway.domain.errors import (
    PanelLineGated,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelRefusedValues,
    PanelUnavailable,
)
from gateway.panels.dialect import Answer
from gateway.panels.xtream_v2 import answers, devices, lines
from tests.panels import php
from tests.panels.makers import (
    MAC,
    a_create,
    a_device_create,
    a_device_edit,
    a_device_info,
    a_pair,
    an_answer,
    an_edit,
    an_info,
)
from tests.panels.recorded import exchanges

BODIES = 100_000 if os.environ.get("LONG") else 12_000
CHANGE_ERRORS = (PanelRefusedValues, PanelMisconfigured, PanelLineGated, PanelOutcomeUnknown)
READ_ERRORS = (PanelUnavailable, PanelMisconfigured, PanelLineGated)
DEVICE_ERRORS = (PanelRefusedValues, PanelMisconfigured, PanelOutcomeUnknown)
DEVICE_READ_ERRORS = (PanelUnavailable, PanelMisconfigured)
CHANGED_NOTHING = ({"result": False}, {"result": False, "error": "NOT EXISTS"})
CREATED = b'{"result":true,"created_id":14,"username":"bob","password":"pw1"}'
MARK, WARNING = b"\xef\xbb\xbf", b"<br />\n<b>Warning</b>: x\n"
JUNK = (b"x", b"<html>", b"{}", b"[", b"\0", b"\xff", MARK, WARNING)
ODD = (b"NaN", b"-Infinity", b"1e999", b"null", b'"true"', b"1", b"[]", b"{}", b'"\\ud800"', b"t")


def originals() -> list[bytes]:
    """Real bodies; those of creates and infos are made to speak of bob and of our MAC."""
    found = [CREATED, b'{"result":true}', b'{"result":false}']
    for exchange in exchanges():
        form = php.parse(exchange.body)
        body = exchange.answer.body
        for name, ours in (("username", "bob"), ("password", "pw1"), ("mac", MAC)):
            asked = form.get(name)
            if isinstance(asked, str) and asked:
                body = body.replace(json.dumps(asked).encode(), json.dumps(ours).encode())
        found.append(body)
    return found


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Return *body* spoilt in one to three ways."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(body))
        match chance.randrange(8):
            case 0:
                body = body[:at]
            case 1 if body:
                at %= len(body)
                body = body[:at] + bytes([body[at] ^ (1 << chance.randrange(8))]) + body[at + 1 :]
            case 2:
                body = body + chance.choice(JUNK)
            case 3:
                body = chance.choice(JUNK) + body
            case 4:
                body = body[:at] + chance.choice(JUNK) + body[at:]
            case 5:
                odd = chance.choice(ODD)
                body = odd.join(re.split(rb"true|false|\d+|null", body, maxsplit=1))
            case 6:
                body = re.sub(rb"\{(\"[^\"]*\":[^,{\[}]*)", rb"{\1,\1", body, count=1)
            case _:
                body = body + body
    return body


def spoilt() -> Iterator[Answer]:
    chance = random.Random(1)
    bodies = originals()
    for number in range(BODIES):
        body = mutated(chance.choice(bodies), chance)
        status = 200 if number % 8 else chance.choice([200, 204, 302, 403, 404, 500, 502, 503])
        yield an_answer(body, status=status)


def honest(answer: Answer) -> dict[str, Any] | None:
    """Return the object in an answer that may count at all, by rules written independently.

    One line of strict JSON at the end, and before it nothing but blanks, marks and PHP notices.
    """
    text = answer.body.decode("utf-8", "replace").rstrip(" \t\r\n")
    noise, found, last = text.rpartition("\n") if "\n" in text else ("", "", text)
    start = last.find("{")
    before = noise + found + last[: max(0, start)]
    blank = not before.strip("\ufeff \t\r\n")
    if answer.status != 200 or start < 0 or not (blank or re.search("Warning|Notice", before)):
        return None
    try:
        value = json.loads(last[start:], object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    keys = [key for key, _value in value]
    return dict(value) if len(set(keys)) == len(keys) else None


def check(answer: Answer) -> None:
    said = honest(answer) or {}
    check_line(answer, said)
    check_device(answer, said)
    assert len(answers.reason(answer)) <= 100


def check_line(answer: Answer, said: dict[str, Any]) -> None:
    result = outcome(lambda: lines.decode_create(answer, a_create()), CHANGE_ERRORS)
    if isinstance(result, CreatedLine):
        assert said.get("result") is True
        assert (said["username"], said["password"]) == ("bob", "pw1")
        assert str(said["created_id"]) == str(result.panel_line_id)
    assert result != Taken() or said == {"result": False, "error": "EXISTS"}
    result = outcome(lambda: lines.decode_edit(answer, an_edit()), CHANGE_ERRORS)
    check_done(result, Edited(), said)
    assert result != NotOnPanel() or said == {"result": False, "error": "NOT EXISTS"}
    result = outcome(lambda: lines.decode_info(answer, an_info()), READ_ERRORS)
    if isinstance(result, LineInfo):
        assert said.get("result") is True
        assert result.username == "bob"


def check_device(answer: Answer, said: dict[str, Any]) -> None:
    result = outcome(lambda: devices.decode_create(answer, a_device_create()), DEVICE_ERRORS)
    check_done(result, CreatedDevice(), said)
    assert result != Taken() or said == {"result": False, "error": "EXISTS"}
    result = outcome(lambda: devices.decode_edit(answer, a_device_edit()), DEVICE_ERRORS)
    check_done(result, Edited(), said)
    assert result != Unconfirmed() or said in CHANGED_NOTHING
    result = outcome(lambda: devices.decode_info(answer, a_device_info()), DEVICE_READ_ERRORS)
    assert result != NotOnPanel() or said in CHANGED_NOTHING
    if isinstance(result, DeviceInfo):
        assert said.get("result") is True
        assert dict(said["mag_device"])["mac"] == result.mac == MAC
        assert said["user_info"]


def check_done(result: object, done: object, said: dict[str, Any]) -> None:
    if result == done:
        assert said.get("result") is True
        assert not {"error", "0"} & said.keys()
    if isinstance(result, PanelRefusedValues):
        assert said == {"result": False, "error": "PARAMETER ERROR"}
    if isinstance(result, PanelMisconfigured):
        words = str(said.get("error", said.get("0")))
        assert words.startswith(("PARAMETER ERROR (", "IP FORBIDDEN", "KEY WRONG"))


def outcome(decode: Callable[[], object], errors: tuple[type[Exception], ...]) -> object:
    try:
        return decode()
    except errors as error:
        return error


@pytest.mark.timeout(300)
def test_no_spoilt_body_raises_anything_else_or_becomes_a_success() -> None:
    seen: dict[str, int] = {}
    for answer in spoilt():
        check(answer)
        kind = answers.classify(answer)[0]
        seen[kind] = seen.get(kind, 0) + 1
    assert {"answered", "unusable_answer", "not_a_panel", "redirected", "line_gated"} <= seen.keys()


@settings(max_examples=300)
@given(
    body=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode()),
    status=st.integers(100, 599),
    content_type=st.text(max_size=30),
    content_encoding=st.sampled_from(["", "identity", "gzip", "IDENTITY "]),
)
def test_no_bytes_at_all_are_too_odd(
    body: bytes, status: int, content_type: str, content_encoding: str
) -> None:
    check(
        an_answer(body, status=status, content_type=content_type, content_encoding=content_encoding)
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
INFO_KEYS = sorted(
    json.loads(next(one for one in exchanges() if one.name == "user_info_paired_line").answer.body)[
        "user_info"
    ]
)


@settings(max_examples=300)
@given(changes=st.dictionaries(st.sampled_from(INFO_KEYS), JSON, max_size=4))
def test_no_type_in_any_field_of_an_info_is_too_odd(changes: dict[str, Any]) -> None:
    told = {"id": "1", "username": "bob", "exp_date": None, "max_connections": "1", **changes}
    check(an_answer(json.dumps({"result": True, "user_info": told})))


@pytest.mark.parametrize(
    "body",
    [
        b"\n" * 1_000_000,
        b" " * 1_000_000,
        b">" * 1_000_000,
        b'"' * 1_000_000,
        b'{"a":"' + b'\\"' * 500_000,
        b'{"a":"' + b'\\"' * 500_000 + b"\\",
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"result":true,"a":[' + b"1," * 400_000 + b"1]}",
        b"Warning:" * 120_000,
    ],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.timeout(60)  # What is quadratic takes minutes of a megabyte.
def test_a_megabyte_of_anything_is_read_in_no_time(body: bytes) -> None:
    check(an_answer(body))


def test_the_words_for_the_log_hold_no_name_path_or_secret() -> None:
    words = "denied for 'root'@'10.0.0.1' at /home/x key=S3cret 12345"
    body = json.dumps({"result": False, "error": words})
    assert answers.reason(an_answer(body)) == "answered: denied for *** at *** *** ***"


def test_what_was_sent_is_masked_before_anything_is_cut() -> None:
    for filler in range(380, 410):
        for words in ("x" * filler, "7 " * filler, "x " * filler):
            body = json.dumps({"result": False, "error": f"{words} my-secret-word"})
            said = answers.reason(an_answer(body), ("my-secret-word", "bob", "0"))
            assert "my-" not in said
    body = json.dumps({"result": False, "error": "bob " * 15 + "my-secret-word"})
    assert "my-" not in answers.reason(an_answer(body), ("my-secret-word",))


def test_the_words_for_the_log_name_what_came() -> None:
    said = [
        answers.reason(an_answer("[]")),
        answers.reason(an_answer(status=302)),
        answers.reason(an_answer('{"result":false,"error":"EXISTS"}')),
    ]
    assert said == ["answered", "redirected", "answered: EXISTS"]


def test_other_credentials_are_no_success() -> None:
    with pytest.raises(PanelOutcomeUnknown):
        lines.decode_create(an_answer(CREATED), a_create(credentials=a_pair("alice")))
