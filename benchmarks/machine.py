"""Cores: the server under test has one for itself, everything else shares another."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BenchError(Exception):
    """The benchmark itself broke: a server did not start, or an answer was not the one expected."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Core numbers; None where processes cannot be pinned, or there is only one core."""

    server: int | None
    others: int | None

    @classmethod
    def chosen(cls) -> Cores:
        """Return the last core for the server under test and the first for all others."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(None, None)
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[-1], allowed[0]) if len(allowed) > 1 else cls(None, None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep this process, and what it starts, on the others' core within the block."""
        if self.others is None:
            yield
            return
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self.others})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def give_to_server(self, pid: int) -> None:
        """Move a process that has just started to the server's core."""
        if self.server is not None:
            os.sched_setaffinity(pid, {self.server})


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time of a process so far; None where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # The name before it may hold anything.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def facts(cores: Cores) -> dict[str, Any]:
    """Return what one should know of the machine when reading figures."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cores": os.cpu_count(),
        "pinned": cores.server is not None,
        "load_average": load,
        "python": platform.python_version(),
        "system": platform.system(),
    }
