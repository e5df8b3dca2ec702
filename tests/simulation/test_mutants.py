"""The judge is judged: every deliberate bug must be caught, and within so many operations."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.simulation import mutants
from tests.simulation.mutants import ROOT, DoesNotApplyError, apply, hunks_of, hunt, names

IS_LONG = os.environ.get("LONG", "0") not in {"", "0"}
#: Bugs that need more luck than others; the rest is caught in the first few histories.
BUDGET = 50_000 if IS_LONG else 30_000
#: In short mode so many of them are hunted, others at each length of the list and each commit.
SHORT = 6


def hunted() -> list[str]:
    """Return all mutants, or, in short mode, a part of them that goes round."""
    everything = names()
    if IS_LONG:
        return everything
    head = ROOT / ".git"
    turn = int(head.stat().st_mtime) if head.exists() else 0
    turn += sum(path.stat().st_size for path in (ROOT / "gateway" / "services").glob("*.py"))
    first = turn % len(everything)
    return [everything[(first + place * 5) % len(everything)] for place in range(SHORT)]


def test_there_are_enough() -> None:
    assert len(names()) >= 20


@pytest.mark.parametrize("name", names())
def test_a_mutant_still_fits_the_code(name: str, tmp_path: Path) -> None:
    assert [*hunks_of(name)]
    for hunk in hunks_of(name):
        target = tmp_path / hunk.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / hunk.path, target)
    apply(name, tmp_path)
    for hunk in hunks_of(name):
        compile((tmp_path / hunk.path).read_text(), hunk.path, "exec")


def test_a_mutant_that_fits_no_more_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "gateway/services").mkdir(parents=True)
    for path in (ROOT / "gateway/services").glob("*.py"):
        (tmp_path / "gateway/services" / path.name).write_text("")
    with pytest.raises(DoesNotApplyError):
        apply("skip_the_wait", tmp_path)


@pytest.mark.timeout(3_600 if IS_LONG else 1_800)
@pytest.mark.parametrize("name", hunted())
def test_a_mutant_is_caught(name: str) -> None:
    caught = hunt(name, operations=BUDGET)
    assert caught is not None, f"{name} lives through {BUDGET} operations"


def test_the_package_itself_is_no_mutant() -> None:
    """What the hunt runs is the simulation, and not a broken copy that always fails."""
    assert mutants.hunt("", operations=300) is None
