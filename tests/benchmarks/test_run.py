"""The command, as it is run; nothing here says how fast anything is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.machine import Cores, cpu_seconds
from tests.servers.obtain import ROOT


def bench(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmarks in a process of their own."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=ROOT,
        env=os.environ | env,
        check=False,
        capture_output=True,
        text=True,
        timeout=150,
    )


@pytest.mark.timeout(600)
def test_a_quick_run_of_one_goal(redis_url: str, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "bench.json"
    words = ("--quick", "--only", "p8", "--database", "sqlite", "--json", "--output", str(output))
    done = bench(*words)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made == json.loads(output.read_text(encoding="utf-8"))
    herd, old = made["goals"]["P8"]["parts"]
    assert (herd["ours"], herd["floor"]) == (1, 64)
    assert old["ours"] == 0
    assert old["more"]["reads"] > 0
    assert made["goals"]["P8"]["met"] is None  # The mix is not measured yet.
    assert made["goals"]["P2"]["missing"] == "left out of this run"
    assert made["run"]["quick"] is True


def test_goals_that_are_not_measured_yet_need_nothing(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    done = bench("--only", "P1", "--output", str(output), TEST_SERVERS="none")
    assert done.returncode == 0, done.stderr
    assert "not measured yet" in done.stdout
    assert json.loads(output.read_text(encoding="utf-8"))["goals"]["P1"]["met"] is None


def test_a_run_that_cannot_be_ends_with_a_sentence(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    done = bench("--quick", "--only", "P8", "--output", str(output), TEST_SERVERS="none")
    assert done.returncode == 1
    assert done.stderr.startswith("The benchmark broke: redis-server")
    assert "Traceback" not in done.stderr
    assert not output.exists()


@pytest.mark.parametrize("words", [("--only", "P99"), ("--database", "oracle")])
def test_unknown_words_are_refused(words: tuple[str, str]) -> None:
    done = bench(*words)
    assert done.returncode == 2
    assert words[0] in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here")
def test_cores_are_given_back() -> None:
    before = os.sched_getaffinity(0)
    cores = Cores.chosen()
    with cores.held():
        expected = before if cores.others is None else {cores.others}
        assert os.sched_getaffinity(0) == expected
    assert os.sched_getaffinity(0) == before


def test_the_cpu_time_of_a_process_rises() -> None:
    spent = cpu_seconds(os.getpid())
    if Path("/proc/self/stat").exists():
        assert spent is not None
        assert spent > 0
    assert cpu_seconds(2**22 + 1) is None
