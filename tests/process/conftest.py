"""The demo as a process of its own, the way `make run` starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest

GATEWAY = Path(sys.executable).with_name("xtream-gateway")
READY_SECONDS_MAX = 60


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on just now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class DemoProcess:
    """One `xtream-gateway demo`; its ports and state folder stay over restarts."""

    def __init__(self, var: Path) -> None:
        self.var = var
        names = ("port", "panel-port", "control-port", "ops-port")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.output = var.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *more: str) -> list[str]:
        flags = [text for name, port in self.ports.items() for text in (f"--{name}", str(port))]
        return [str(GATEWAY), "demo", "--var", str(self.var), *flags, *more]

    def start(self, *more: str, env: Mapping[str, str] | None = None) -> Self:
        """Start, and wait until it says that it is ready."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command(*more),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
            )
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self._is_ready():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)
        return self

    def _is_ready(self) -> bool:
        """An earlier run's file may still lie there for a moment."""
        found = self.var / "demo.json"
        return (
            self.process is not None
            and found.exists()
            and bool(json.loads(found.read_text())["pid"] == self.process.pid)
        )

    @property
    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.var / "demo.json").read_text())
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def environment(self) -> dict[str, str]:
        """Return the variables with which the command line works on the same state."""
        lines = (self.var / "demo.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the demo's state."""
        return run_gateway(*arguments, env=self.environment())


def run_gateway(
    *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("GATEWAY_")}
    return subprocess.run(
        [str(GATEWAY), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean | dict(env or {}),
    )


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DemoProcess]:
    process = DemoProcess(tmp_path / "var")
    yield process
    if process.process is not None and process.process.poll() is None:
        process.process.kill()
        process.process.wait()
