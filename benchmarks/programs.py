"""Starts programs for a measurement, in a place of their own, and stops them all at its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from benchmarks.load import Plan, Result
from benchmarks.machine import BenchError, Cores, cpu_seconds
from tests.servers import processes

ROOT: Final = Path(__file__).resolve().parents[1]
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
RUN_SECONDS_MAX: Final = 60
#: Beyond what a plan says of itself.
LOAD_SPARE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A program that serves on a port of 127.0.0.1."""

    name: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the load generator saw, and what the server spent on it."""

    result: Result
    cpu_microseconds: float | None
    """CPU time of the server for one answer."""


class Programs:
    """Starts programs; `stack` stops them. They die with us whatever happens (Linux)."""

    def __init__(self, stack: ExitStack, cores: Cores) -> None:
        self._stack = stack
        self._cores = cores
        self.folder = processes.open_folder("bench")
        stack.callback(processes.remove, self.folder)

    def begin(
        self,
        name: str,
        words: Sequence[str],
        port: int,
        *,
        env: Mapping[str, str] = NOTHING,
        under_test: bool = False,
    ) -> Callable[[], Server]:
        """Start `python` with *words*; what is returned waits until it listens on *port*.

        Args:
            name: names its log, for what is told when it fails.
            words: what follows `python`.
            port: where it will listen.
            env: GATEWAY_* variables; those of our own environment are not handed on.
            under_test: it gets the core that nobody else uses.

        Raises:
            BenchError: on waiting: it does not come up.
        """
        log = self.folder / f"{name}.log"
        launch = [sys.executable, "-I", "-S", str(processes.LAUNCH), str(signal.SIGKILL.value), "-"]
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*launch, sys.executable, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=_environment(env),
                start_new_session=True,
            )
        self._stack.callback(processes.stop, process, signal.SIGTERM)
        if under_test:
            self._cores.give_to_server(process.pid)

        def wait() -> Server:
            try:
                processes.wait_until_ready(process, log, lambda: _listens(port))
            except processes.StartFailed as error:
                raise BenchError(f"{name} does not start: {error}") from error
            return Server(name, port, process.pid)

        return wait

    def run(self, words: Sequence[str], *, env: Mapping[str, str]) -> str:
        """Run `python` with *words* to its end and return what it wrote.

        Raises:
            BenchError: it failed, or took too long.
        """
        return _run(words, b"", RUN_SECONDS_MAX, env).decode()

    def load(self, server: Server, plan: Plan) -> Measured:
        """Let a load generator carry out *plan* on *server*.

        Raises:
            BenchError: an answer was not 200, or it took too long.
        """
        seconds = plan.warm_seconds + (plan.seconds or 0) + LOAD_SPARE_SECONDS
        before = cpu_seconds(server.pid)
        raw = _run(["-m", "benchmarks.load"], msgspec.json.encode(plan), seconds, {})
        after = cpu_seconds(server.pid)
        result = msgspec.json.decode(raw, type=Result)
        if result.refused or not result.milliseconds:
            why = result.first_refusal or "no answer in time"
            raise BenchError(f"{server.name} did not answer as it should: {why}")
        spent = None if before is None or after is None else (after - before) / result.asked * 1e6
        return Measured(result, spent)


def _run(words: Sequence[str], given: bytes, seconds: float, env: Mapping[str, str]) -> bytes:
    """Run `python` with *words* to its end and return what it wrote."""
    name = words[-1]
    try:
        done = subprocess.run(
            [sys.executable, *words],
            input=given,
            capture_output=True,
            check=False,
            timeout=seconds,
            cwd=ROOT,
            env=_environment(env),
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{name} took longer than {seconds} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")[-2000:]
        raise BenchError(f"{name} failed: {said}")
    return done.stdout


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("GATEWAY_")}
    return kept | dict(more)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
