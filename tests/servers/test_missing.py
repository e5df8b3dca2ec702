"""What cannot be had is told once, before the first test, or skipped when asked to."""

import os
import subprocess
import sys

import pytest

from tests.servers.obtain import ROOT

SUITE = "tests/servers/test_servers.py"


def run_with_nothing(*arguments: str, missing_ok: str = "") -> subprocess.CompletedProcess[str]:
    """Run the tests of the servers where no source of programs is allowed."""
    environment = os.environ | {"TEST_SERVERS": "none", "MISSING_OK": missing_ok}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--no-cov", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("arguments", [(SUITE,), ("-n", "1")], ids=["one process", "parallel"])
def test_a_run_ends_early_with_one_list(arguments: tuple[str, ...]) -> None:
    run = run_with_nothing(*arguments)
    said = run.stdout + run.stderr
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "  - redis-server" in said
    assert "  - postgres and initdb" in said
    assert "  - chromium" in said
    assert "  - php" in said
    assert "passed" not in said


@pytest.mark.parametrize(
    "arguments", [(SUITE,), ("-n", "1", SUITE)], ids=["one process", "parallel"]
)
def test_missing_ok_skips_what_needs_it_and_runs_the_rest(arguments: tuple[str, ...]) -> None:
    run = run_with_nothing("-rs", *arguments, missing_ok="1")
    assert run.returncode == pytest.ExitCode.OK
    assert "1 passed, 10 skipped" in run.stdout  # SQLite needs nothing.
    assert "missing: redis-server" in run.stdout


def test_a_run_asks_only_for_what_its_tests_need() -> None:
    run = run_with_nothing(f"{SUITE}::test_both_databases_answer[sqlite]")
    assert run.returncode == pytest.ExitCode.OK
    assert "1 passed" in run.stdout
