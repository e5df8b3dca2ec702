"""The command line: `xtream-gateway`. A table on a terminal, `--json` for machines."""

from __future__ import annotations

from gateway.cli.main import main

__all__ = ["main"]
