"""Who may import whom: the contracts of pyproject.toml hold, and each would break."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LINTER = Path(sys.executable).with_name("lint-imports")


def run_linter(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(LINTER), "--no-cache", *options]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_the_import_contracts_hold() -> None:
    run = run_linter(ROOT)
    assert run.returncode == 0, run.stdout
    assert f"Contracts: {len(CONFIG['contracts'])} kept, 0 broken." in run.stdout


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("domain/lines.py", "import gateway.services.lines"),
        ("services/lines.py", "import gateway.db.lines"),
        ("services/lines.py", "import sqlalchemy"),
        ("db/lines.py", "import gateway.panels.client"),
        ("api/app.py", "import gateway.db.lines"),
    ],
    ids=[
        "upwards",
        "service to adapter",
        "service to I/O",
        "adapter to adapter",
        "edge to adapter",
    ],
)
def test_a_contract_breaks_when_violated(tmp_path: Path, module: str, statement: str) -> None:
    """The same rules on a small tree with one fault: what cannot break proves nothing."""
    adapters = ["cache", "db", "identity", "limits", "notices", "panels", "simulator", "webhooks"]
    layers = ["api", "domain", "services", *adapters]
    above = ["bootstrap", "cli", "demo", "exposure", "opening", "serving", "settings", "workers"]
    for name in [".", *layers, *above, "telemetry"]:
        (tmp_path / "gateway" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "gateway" / name / "__init__.py").touch()
    for name in ("db/lines.py", "services/lines.py", "panels/client.py"):
        (tmp_path / "gateway" / name).touch()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    assert run_linter(tmp_path).returncode == 0
    (tmp_path / "gateway" / module).write_text(f"{statement}\n")
    run = run_linter(tmp_path)
    assert run.returncode == 1, run.stdout
    assert "BROKEN" in run.stdout
