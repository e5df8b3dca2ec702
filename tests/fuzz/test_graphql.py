"""The published schema holds: documents made from it are answered, as each caller.

Schemathesis writes the documents. `FUZZ_SEED=N` repeats a run. The long mode sends over 2,000.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.fuzz.brief import Brief
from tests.fuzz.fuzzer import TOLD_MAX, Effort, environment
from tests.fuzz.seeded import Account, Seeded
from tests.fuzz.test_rest import secrets_of

RUN_SECONDS_MAX: Final = 3_600
#: Documents for each field of Query and Mutation.
SHORT, LONG = 4, 45

pytestmark = pytest.mark.timeout(RUN_SECONDS_MAX)


@pytest.mark.parametrize("caller", ["a", "operator"])
def test_whatever_the_schema_allows_is_answered(
    tmp_path: Path, seeded: Seeded, effort: Effort, caller: str
) -> None:
    account = seeded.a if caller == "a" else seeded.operator
    secrets = secrets_of(seeded.b) if caller == "a" else ()
    Brief(ids=seeded.a.ids, secrets=secrets).write(tmp_path / "brief.json")
    ran = fuzz(tmp_path, seeded, account, effort)
    said = (ran.stdout + ran.stderr)[-TOLD_MAX:]
    assert ran.returncode == 0, said
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["failures"] == []
    assert report["operations"]["tested"] == report["operations"]["total"] > 40, said


def fuzz(
    folder: Path, seeded: Seeded, account: Account, effort: Effort
) -> subprocess.CompletedProcess[str]:
    """Send documents made from the schema that introspection tells."""
    examples = LONG if effort.is_long else SHORT
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{seeded.base_url}/graphql"),
            *("--checks", "not_a_server_error,is_a_graphql_answer"),
            *("-H", f"Authorization: Bearer {account.key}"),
            *("--max-examples", str(examples), "--seed", str(effort.seed)),
            *("--generation-database", "none", "--continue-on-failure", "--no-color"),
            *("--report", "json", "--report-json-path", "report.json"),
        ],
        cwd=folder,
        env=environment("tests.fuzz.graphql_hooks", folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
