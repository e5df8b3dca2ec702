"""Golden files: compared, or rewritten with GOLDEN set (`make golden`); the diff is reviewed."""

from __future__ import annotations

import json
import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "xtream_v2"


def check(name: str, value: object) -> None:
    """Assert that *value* is what the file *name* holds."""
    path = FOLDER / name
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
