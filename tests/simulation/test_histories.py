"""Some thousand operations under every fault, and nothing that must not happen.

`make simulate N=1000000` plays millions; `make simulate SEED=7` plays one history again.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.history import play

IS_LONG = os.environ.get("LONG", "0") not in {"", "0"}
#: Parts, so that they can run side by side.
PARTS = 8
OPERATIONS = 200_000 if IS_LONG else 20_000
#: Seeds of one part begin here and there.
STRIDE = 1_000_000


@pytest.mark.timeout(3_600 if IS_LONG else 1_200)
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_violated(part: int) -> None:
    seed, done = 1 + part * STRIDE, 0
    while done < OPERATIONS // PARTS:
        result = play(seed)
        assert not result.violations, f"make simulate SEED={seed}: {result.violations}"
        done += result.operations
        seed += 1


def test_a_seed_gives_the_same_history_again() -> None:
    first, second = (play(3, length=60, traced=True) for _ in range(2))
    assert first == second
    assert first.trace != play(4, length=60, traced=True).trace


def test_every_fault_comes_up_and_operations_end_in_every_way() -> None:
    seen: set[str] = set()
    states: set[str] = set()
    for seed in range(1, 60):
        result = play(seed, length=60)
        seen |= result.weather.keys()
        states |= result.states.keys()
        if seen >= EVERYTHING and states >= {"succeeded", "failed", "manual"}:
            return
    assert not EVERYTHING - seen
    assert states >= {"succeeded", "failed", "manual"}


EVERYTHING = {
    "cache lost",
    "commit answer lost",
    "commit failed",
    "crash",
    "database down",
    "db_auth",
    "db_down",
    "delay_after",
    "delay_before",
    "empty_200",
    "ghost_write",
    "half_mag",
    "lost_write",
    "no_config",
    "panel down",
    "php_noise",
    "refuse",
    "request cut",
    "reset_at",
    "stall",
    "status",
    "truncate",
}
