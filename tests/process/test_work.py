"""`work` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.process.conftest import GATEWAY, READY_SECONDS_MAX, run_gateway
from tests.world import ENCRYPTION_KEYS


def test_workers_show_by_a_file_that_they_are_well(tmp_path: Path) -> None:
    heartbeat, log = tmp_path / "heartbeat", tmp_path / "work.log"
    variables = {
        "GATEWAY_DATABASE_URL": f"sqlite:///{tmp_path}/g.db",
        "GATEWAY_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
        "GATEWAY_HEARTBEAT_PATH": str(heartbeat),
    }
    assert run_gateway("migrate", env=variables).returncode == 0
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(GATEWAY), "work"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
        )
    try:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not heartbeat.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
