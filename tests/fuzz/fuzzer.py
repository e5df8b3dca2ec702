"""Run schemathesis as a program of its own on something that is served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.fuzz.brief import VARIABLE, Brief

ROOT: Final = Path(__file__).resolve().parents[2]
CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
OURS: Final = "Custom check failed: "
#: What makes a program measure its coverage.
MEASURING: Final = "COVERAGE_PROCESS"
TOLD_MAX: Final = 20_000  # Characters of its output in a failure.


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is tried; the same seed tries the same again."""

    examples_max: int
    keep_one_in: int
    seed: int

    @property
    def is_long(self) -> bool:
        """Tell whether all is tried."""
        return self.keep_one_in == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended; its report is the one schemathesis writes as JSON."""

    exit_code: int
    output: str
    report: dict[str, Any]

    @property
    def told(self) -> str:
        """Return what a failure of a test should show; the seed is at its end."""
        return self.output[-TOLD_MAX:]

    @property
    def found(self) -> set[str]:
        """Return the titles of what was found; of our own checks, the name."""
        titles = (str(failure["title"]) for failure in self.report["failures"])
        return {title.removeprefix(OURS).strip("`") for title in titles}


def fuzz(
    folder: Path,
    document_url: str,
    *,
    keys: Mapping[str, str],
    caller: str,
    brief: Brief,
    effort: Effort,
    options: Sequence[str] = (),
) -> Outcome:
    """Send requests made from the document as *caller*, one of *keys*."""
    folder.mkdir(parents=True, exist_ok=True)
    brief.write(folder / "brief.json")
    (folder / "callers.json").write_text(json.dumps(_callers(keys)), encoding="utf-8")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
            *("run", document_url, "--checks", "all", "--auth-wfc-user", caller),
            *("--max-examples", str(effort.examples_max), "--seed", str(effort.seed)),
            *("--generation-database", "none", "--continue-on-failure", "--no-color"),
            *("--report", "json", "--report-json-path", "report.json"),
            *options,
        ],
        cwd=folder,
        env=environment("tests.fuzz.hooks", folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    report = folder / "report.json"
    return Outcome(
        exit_code=ran.returncode,
        output=ran.stdout + ran.stderr,
        report=json.loads(report.read_text(encoding="utf-8")) if report.exists() else {},
    )


def environment(hooks: str, folder: Path) -> dict[str, str]:
    """Return the environment of a run in *folder* with our *hooks*.

    Its coverage is not measured: none of the gateway runs in it. And coverage's greenlets are not
    sure to be taken down: a run never ended, in greenlet 3.5.6's destroying of a thread's state.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(MEASURING)} | {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": hooks,
        VARIABLE: str(folder / "brief.json"),
    }


def _callers(keys: Mapping[str, str]) -> dict[str, Any]:
    return {
        "auth": [
            {
                "name": name,
                "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}],
            }
            for name, key in keys.items()
        ]
    }
