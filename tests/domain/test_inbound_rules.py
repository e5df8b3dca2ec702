"""Paths, conditions and times of rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.inbound import rules_of
from gateway.domain.inbound_ready import READY
from gateway.domain.inbound_rules import Path, decide, moment_of, rule_faults, rules_in
from gateway.domain.json_paths import value_at

PAYLOAD = {
    "a": {"b-c": [{"key": "x", "value": 1}, {"key": "y", "value": None}, "text"]},
    "meta_data": [{"key": "external_id", "value": "order-1"}],
    "zero": 0,
    "no": False,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("zero", 0),
        ("no", False),
        ("a.b-c[0].value", 1),
        ("a.b-c[2]", "text"),
        ("a.b-c[3]", None),
        ("a.b-c[key=x].value", 1),
        ("a.b-c[key=y].value", None),
        ("a.b-c[key=z].value", None),
        ("meta_data[key=external_id].value", "order-1"),
        ("a[0]", None),
        ("zero.a", None),
        ("nothing.at.all", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: str, value: object) -> None:
    assert msgspec.convert(path, Path) == path
    found = value_at(PAYLOAD, path)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a[", "a[-1]", "a[x]", "[0]", "a b", "a[0]b", "$.a", "é"]
)
def test_other_texts_are_no_paths(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Path)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"path": "zero", "equals": 0}, True),
        ({"path": "zero", "equals": False}, False),
        ({"path": "zero", "equals": "0"}, False),
        ({"path": "no", "in": [0, False]}, True),
        ({"path": "zero", "exists": True}, True),
        ({"path": "gone", "exists": False}, True),
        ({"path": "a.b-c[key=y].value", "exists": True}, False),
    ],
)
def test_a_condition_compares_value_and_type(condition: dict[str, Any], holds: bool) -> None:
    (rule,) = rules_in([{"do": "none", "when": [condition]}])
    assert rule.fits("x", PAYLOAD) is holds


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1772366400, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T13:00:00.9+01:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        *[(0, None), (-1, None), (True, None), (10**12, None), (None, None), ([], None)],
        *[("", None), ("0", None), ("2026-03-01", None), ("soon", None), (1.5, None)],
    ],
)
def test_a_time_is_unix_seconds_or_a_text_and_utc_where_it_says_no_zone(
    value: object, moment: datetime | None
) -> None:
    assert moment_of(value) == moment


@pytest.mark.parametrize("name", list(READY))
def test_ready_rules_are_rules_that_anybody_could_have_written(name: str) -> None:
    assert rule_faults(READY[name]) == ()


@given(payload=JSON, name=st.sampled_from(list(READY)), type_=st.text(max_size=30))
def test_no_payload_breaks_a_decision(payload: object, name: str, type_: str) -> None:
    decision = decide(rules_of(name), type_, "evt_1", payload)
    assert decision.fault is None or decision.rule is not None


@given(value=JSON)
def test_whatever_is_given_as_rules_has_faults_or_can_be_read(value: object) -> None:
    if not rule_faults(value):
        rules_in(value)
