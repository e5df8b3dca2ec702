"""No secret leaves through a log line, however it is wrapped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.calls import Credentials
from gateway.domain.secrets import Secret
from gateway.telemetry.logging import render_json
from gateway.telemetry.redaction import (
    CUT,
    DEPTH_MAX,
    ITEMS_MAX,
    TEXT_MAX,
    redact_event,
    redacted,
)

SECRET_NAMES = st.sampled_from(
    ["password", "new_password", "userPassword", "user_data[password]", "api_pass", "Authorization",
     "client_secret", "access_token", "key", "X-Api-Key", "Cookie", "credentials"]
)  # fmt: skip
PLAIN_NAMES = st.sampled_from(["event", "line_id", "username", "n", "detail", "url", "form", "x y"])
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\nZ"), max_size=12)
#: As the contract allows passwords. All secrets hold a Z, which nothing else does.
WIRE_SECRETS = st.text("ABCdef0123456789._@-", min_size=8, max_size=40).map(lambda s: f"{s}Z{s}")
ANY_SECRETS = st.text(min_size=4, max_size=20).map(lambda text: f"Z{text}Z")
BODIES = st.text("ABCDEFabcdef0123456789", min_size=42, max_size=42).map(lambda s: f"{s}Z")


@dataclass
class Wrapped:
    """Somebody's object, with a repr that shows its field."""

    value: Any


def in_form(name: str, secret: str, before: str, after: str) -> str:
    return urlencode([("a", before), (name, secret), ("b", after)])


Planted = tuple[str, Any]

NAMED: st.SearchStrategy[Planted] = st.one_of(
    st.builds(lambda name, s: (s, {name: s}), SECRET_NAMES, ANY_SECRETS),
    st.builds(lambda name, s: (s, {name: [s, {"x": s}]}), SECRET_NAMES, ANY_SECRETS),
    st.builds(lambda name, s: (s, [(name, s), ("x", "1")]), SECRET_NAMES, ANY_SECRETS),
    st.builds(lambda name, s: (s, json.dumps({"a": 1, name: s})), SECRET_NAMES, ANY_SECRETS),
    st.builds(
        lambda name, s: (s, json.dumps({name: s, "a": 1}, ensure_ascii=False)),
        SECRET_NAMES,
        ANY_SECRETS,
    ),
    st.builds(lambda name, s: (s, repr({"a": "b", name: s})), SECRET_NAMES, WIRE_SECRETS),
    st.builds(lambda name, s, w: (s, in_form(name, s, w, w)), SECRET_NAMES, WIRE_SECRETS, WORDS),
    st.builds(lambda name, s: (s, f"{name}: {s}"), SECRET_NAMES, WIRE_SECRETS),
)
FORMED: st.SearchStrategy[Planted] = st.one_of(
    st.builds(lambda s: (s, Secret(s)), ANY_SECRETS),
    st.builds(lambda s: (s, Credentials(username="u", password=Secret(s))), ANY_SECRETS),
    st.builds(lambda s: (s, s.encode()), ANY_SECRETS),
    st.builds(lambda s, w: (s, f"{w} xgw_{s} {w}"), BODIES, WORDS),
    st.builds(lambda s: (s, {f"xgw_{s}": 1}), BODIES),
    st.builds(lambda s, w: (s, f"{w} whsec_{s}"), BODIES, WORDS),
    st.builds(lambda s, w: (s, f"{w} Bearer {s} {w}"), WIRE_SECRETS, WORDS),
    st.builds(lambda s: (s, f"redis://:{s}@host:1/0"), WIRE_SECRETS),
    st.builds(lambda s: (s, f"http://u:{quote(s)}@host/x"), WIRE_SECRETS),
    st.builds(lambda s: (s, f"GET /api.php?sub={quote(s)}&a=b HTTP/1.1"), WIRE_SECRETS),
    st.builds(lambda s: (s, f"http://h/live/u{s}/p{s}/1.ts"), WIRE_SECRETS),
)


def wrapped(inner: st.SearchStrategy[Planted]) -> st.SearchStrategy[Planted]:
    return st.one_of(
        st.builds(lambda p, name, w: (p[0], {name: p[1], "w": w}), inner, PLAIN_NAMES, WORDS),
        st.builds(lambda p, w: (p[0], [w, p[1]]), inner, WORDS),
        st.builds(lambda p: (p[0], (p[1], None, 1.5)), inner),
        st.builds(lambda p: (p[0], ValueError("it broke", p[1])), inner),
        st.builds(lambda p: (p[0], Wrapped(p[1])), inner),
    )


PLANTED = st.recursive(NAMED | FORMED, wrapped, max_leaves=4)


@given(name=PLAIN_NAMES, planted=PLANTED, message=WORDS)
def test_no_planted_secret_is_in_the_line(name: str, planted: Planted, message: str) -> None:
    secret, carrier = planted
    line = render_json(None, "info", redact_event(None, "info", {"event": message, name: carrier}))
    shown = json.loads(line)
    assert secret not in line
    assert json.dumps(secret) not in line
    assert secret not in json.dumps(shown, ensure_ascii=False)
    assert "\n" not in line


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=10,
    )
)
def test_anything_becomes_one_line_of_json(value: object) -> None:
    line = render_json(None, "info", redact_event(None, "info", {"event": "x.y", "value": value}))
    assert json.loads(line)["event"] == "x.y"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth else "deep"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (2**63, "0x8000000000000000"),
        (2**63 - 1, 2**63 - 1),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00+00:00"),
        (b"abc", "[3 bytes]"),
        (frozenset({1}), [1]),
        ("lone \ud800", "lone ?"),
        (Broken(), "[unprintable Broken]"),
        (KeyError("password=x"), "KeyError: 'password=***"),
        ({"password": None, "token": False}, {"password": None, "token": False}),
        ({1: 2, None: 3}, {"1": 2, "None": 3}),
        (list(range(ITEMS_MAX + 5)), [*range(ITEMS_MAX), CUT]),
        ("x " * TEXT_MAX, "x " * (TEXT_MAX // 2 - 1) + "x " + CUT),
        (("password", "x"), ["password", "***"]),
        (("username", "x"), ["username", "x"]),
    ],
)
def test_values(value: object, shown: object) -> None:
    assert redacted(value) == shown


def test_a_number_too_long_to_be_written_out_is_shown_nevertheless() -> None:
    assert redacted(10**5_000) == hex(10**5_000)


def test_depth_is_bounded() -> None:
    assert json.dumps(redacted(nested(DEPTH_MAX + 5))).count("[") == DEPTH_MAX + 1
    assert CUT in json.dumps(redacted(nested(DEPTH_MAX + 5)))


def test_wide_mappings_are_cut() -> None:
    shown = redacted({f"n{number}": number for number in range(ITEMS_MAX + 7)})
    assert isinstance(shown, dict)
    assert shown[CUT] == 7
    assert len(shown) == ITEMS_MAX + 1


def test_a_cut_text_does_not_show_the_half_of_a_secret() -> None:
    shown = redacted("x" * (TEXT_MAX - 20) + " http://user:s3cr3t-that-is-long@host")
    assert "s3cr3t" not in str(shown)
