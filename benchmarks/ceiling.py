"""The load generator measured against itself: what it can ask of a server that does nothing."""

from __future__ import annotations

from benchmarks.load import Plan
from benchmarks.programs import Programs
from benchmarks.rounds import Rounds
from tests.servers.processes import free_port

BODY_BYTES = 1536
CONNECTIONS = 64


def measure(programs: Programs, rounds: Rounds) -> dict[str, float]:
    """Return what the generator reaches, and how busy it was."""
    port = free_port()
    words = ["-m", "benchmarks.floor", "constant", str(port), str(BODY_BYTES)]
    server = programs.begin("constant", words, port, under_test=True)()
    plan = Plan(
        port=port,
        requests=(b"GET / HTTP/1.1\r\nHost: constant\r\n\r\n",),
        connections=CONNECTIONS,
        warm_seconds=rounds.warm_seconds,
        seconds=rounds.seconds,
    )
    result = programs.load(server, plan).result
    return {"requests_per_second": round(result.per_second), "busy": round(result.busy, 2)}
