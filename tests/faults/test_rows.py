"""Every row of the fault matrix has a test, or a reason; and the tests that are named exist."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import pytest

from tests.faults.rows import MISSING, PROVED

ROOT = Path(__file__).parents[2]
ROWS = {
    *(f"P{n:02}" for n in range(1, 25)),
    *(f"K{n:02}" for n in range(1, 14)),
    *(f"R{n:02}" for n in range(1, 8)),
    *(f"D{n:02}" for n in (1, 2, 3, 5, 6)),
    *("W01", "W02", "W03", "W04"),
    *("T01", "T02", "X01", "X02", "X03", "X04", "X05"),
}


@lru_cache
def functions_of(path: str) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    tree = ast.parse((ROOT / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


def test_every_row_is_proved_or_says_why_not() -> None:
    assert set(PROVED) | set(MISSING) == ROWS
    assert not set(PROVED) & set(MISSING)


@pytest.mark.parametrize("row", PROVED)
def test_the_tests_of_a_row_exist(row: str) -> None:
    for name in PROVED[row]:
        path, _, test = name.partition("::")
        assert test in functions_of(path), name
