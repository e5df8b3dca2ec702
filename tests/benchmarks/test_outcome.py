"""Verdicts, and the shape of the JSON document and of the table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import report
from benchmarks.goals import GOALS
from benchmarks.outcome import Outcome, Part

RUN: dict[str, Any] = {
    "machine": {"cores": 2, "pinned": True, "load_average": 1.0, "python": "3", "system": "Linux"},
    "database": "sqlite",
    "generator": {"requests_per_second": 20_000, "busy": 1.0},
    "quick": True,
}


def a_part(**changes: Any) -> Part:
    fields: dict[str, Any] = {
        "name": "c=64",
        "unit": "req/s",
        "ours": 150.0,
        "floor": 100.0,
        "ratio": 1.5,
        "judged": "ratio",
        "goal": 1.8,
    }
    return Part(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, False),
        ({"goal": 1.5}, True),
        ({"goal": None}, None),
        ({"judged": "added", "bound": "at most", "goal": 50}, True),
        ({"judged": "added", "bound": "at most", "goal": 1, "added": 0.5}, True),
        ({"judged": "ours", "bound": "at most", "goal": 149}, False),
    ],
)
def test_a_part_is_held_against_its_bound(changes: dict[str, Any], met: bool | None) -> None:
    assert a_part(**changes).met is met


@pytest.mark.parametrize(
    ("goals", "missing", "met"),
    [
        ((1.0, 1.5), "", True),
        ((1.0, None), "", True),
        ((1.0, 9.0), "", False),
        ((1.0, 1.5), "the mix", None),
        ((9.0,), "the mix", False),
        ((None,), "", None),
        ((), "all of it", None),
    ],
)
def test_a_goal_is_met_when_all_of_it_is(
    goals: tuple[float | None, ...], missing: str, met: bool | None
) -> None:
    parts = tuple(a_part(goal=goal) for goal in goals)
    assert Outcome(sentence="", parts=parts, missing=missing).met is met


def test_the_document_has_every_goal_in_the_form_that_is_promised() -> None:
    outcomes = {name: goal.left_out() for name, goal in GOALS.items()}
    outcomes["P2"] = Outcome(sentence="fast", parts=(a_part(), a_part(name="c=1", goal=None)))
    made = json.loads(json.dumps(report.document(outcomes, RUN)))
    assert list(made["goals"]) == [f"P{number}" for number in range(1, 13)]
    for goal in made["goals"].values():
        assert {"ours", "floor", "ratio", "goal", "met", "sentence", "missing", "parts"} <= set(
            goal
        )
        assert (goal["ours"] is None) is (goal["parts"] == [])
    second = made["goals"]["P2"]
    assert (second["ours"], second["floor"], second["ratio"]) == (150, 100, 1.5)
    assert (second["goal"], second["met"]) == (1.8, False)
    assert [part["name"] for part in second["parts"]] == ["c=64", "c=1"]
    assert made["run"]["at"]


def test_the_table_tells_figures_verdicts_and_what_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = {name: goal.left_out() for name, goal in GOALS.items()}
    added = a_part(judged="added", bound="at most", goal=100, unit="ms", note="a note")
    outcomes["P7"] = Outcome(sentence="a miss", parts=(a_part(ours=12_345.6), added))
    report.print_table(outcomes, RUN)
    said = capsys.readouterr().out
    for words in ("12,346 req/s", "not met", "<= +100 ms", "met (+50.00 ms)", "P7 c=64: a note"):
        assert words in said
    assert "P12: " in said
    assert "20,000 req/s" in said
