"""The fuzzer finds what is wrong, or its silence about the gateway would mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.fuzz.brief import Brief
from tests.fuzz.fuzzer import Effort, Outcome, fuzz
from tests.fuzz.liar import KEYS, SECRET_OF_A, THING_OF_A, Lie, lying

EFFORT: Final = Effort(examples_max=5, keep_one_in=1, seed=1)
SUCCESS: Final = Brief(ids={"item": THING_OF_A})
FOREIGN: Final = Brief(foreign={"item": THING_OF_A}, secrets=(SECRET_OF_A,))


def told_of(folder: Path, caller: str, brief: Brief, *lies: Lie) -> Outcome:
    with lying(frozenset(lies)) as url:
        return fuzz(
            folder,
            f"{url}/openapi.json",
            keys=KEYS,
            caller=caller,
            brief=brief,
            effort=EFFORT,
        )


@pytest.mark.parametrize(("caller", "brief"), [("a", SUCCESS), ("b", FOREIGN)])
def test_of_an_honest_api_nothing_is_told(tmp_path: Path, caller: str, brief: Brief) -> None:
    outcome = told_of(tmp_path, caller, brief)
    assert (outcome.exit_code, outcome.found) == (0, set()), outcome.told
    assert outcome.report["test_cases"]["generated"] > 0


def test_what_is_taken_or_shown_against_the_document_is_found(tmp_path: Path) -> None:
    lies = (Lie.ANY_KEY, Lie.CRASHES, Lie.TAKES_ALL, Lie.WRONG_TYPE)
    outcome = told_of(tmp_path, "a", SUCCESS, *lies)
    assert outcome.exit_code == 1, outcome.told
    assert outcome.found >= {
        "API accepts requests without authentication",
        "Response violates schema",
        "Schema-violating request accepted",
        "Server error",
    }
    assert f"Seed: {EFFORT.seed}" in outcome.told


def test_what_is_refused_against_the_document_is_found(tmp_path: Path) -> None:
    outcome = told_of(tmp_path, "a", SUCCESS, Lie.REFUSES, Lie.UNKNOWN_STATUS)
    assert outcome.exit_code == 1, outcome.told
    assert outcome.found >= {
        "SucceedsOnEveryRoute",
        "Undocumented status code",
        "is_refused_for_what_a_schema_cannot_say",
    }


def test_what_is_shown_of_others_is_found(tmp_path: Path) -> None:
    outcome = told_of(tmp_path, "b", FOREIGN, Lie.SHOWS_ALL)
    assert outcome.exit_code == 1, outcome.told
    assert outcome.found >= {"ForeignIsUnknown", "ShowsNothingOfOthers"}


def test_a_refusal_that_tells_foreign_from_unknown_is_found(tmp_path: Path) -> None:
    outcome = told_of(tmp_path, "b", FOREIGN, Lie.TELLS_FOREIGN)
    assert outcome.exit_code == 1, outcome.told
    assert outcome.found == {"ForeignIsUnknown"}


def test_a_run_without_success_fails(tmp_path: Path) -> None:
    outcome = told_of(tmp_path, "a", Brief())
    assert outcome.exit_code == 1, outcome.told
    assert outcome.found == {"SucceedsOnEveryRoute"}
