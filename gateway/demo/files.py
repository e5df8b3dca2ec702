"""The state folder of the demo: private, and every file replaced whole or not at all."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any, Final

DEMO_JSON: Final = "demo.json"
DEMO_ENV: Final = "demo.env"
SEED_JSON: Final = "seed.json"
KEY_FILE: Final = "encryption.key"
_OURS: Final = (DEMO_JSON, DEMO_ENV, SEED_JSON, KEY_FILE, "gateway.db*", "panel.db*")


def prepare(var: Path, *, fresh: bool) -> None:
    """Make the folder; *fresh* removes what earlier runs left there, and nothing else."""
    var.mkdir(parents=True, exist_ok=True)
    (var / DEMO_JSON).unlink(missing_ok=True)  # It says "ready".
    if fresh:
        for pattern in _OURS:
            for path in var.glob(pattern):
                path.unlink(missing_ok=True)


def encryption_key(var: Path) -> str:
    """Return the demo's own key, made at the first start."""
    path = var / KEY_FILE
    if not path.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        write_private(path, f"demo:{key}\n")
    return path.read_text(encoding="utf-8").strip()


def write_env(var: Path, variables: dict[str, str]) -> None:
    """Write the settings as KEY=value lines, so that the command line works on the same state."""
    text = "".join(f"{name}={value}\n" for name, value in sorted(variables.items()))
    write_private(var / DEMO_ENV, text)


def read_json(path: Path) -> dict[str, Any]:
    """Return what an earlier run noted; empty if it noted nothing."""
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_private_json(path: Path, value: object) -> None:
    """Write JSON that only we may read."""
    write_private(path, json.dumps(value, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace *path* at once, with mode 0600: a kill leaves the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
