"""Start a server program so that it cannot outlive the test run, and stop it for certain."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

READY_SECONDS_MAX: Final = 30
STOP_SECONDS_MAX: Final = 10
TRIES: Final = 3  # Between looking for a free port and taking it another program may take it.
OWNERS: Final = ("postgres", "nobody")  # Who runs PostgreSQL when we are root.
PREFIX: Final = "xtream-tests-"
LAUNCH: Final = Path(__file__).with_name("launch.py")


class StartFailed(Exception):
    """A server was found but did not come up; the text holds what it said."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def open_folder(name: str) -> Path:
    """Make an empty temporary folder that other users can pass through."""
    parents = [Path(it) for it in (tempfile.gettempdir(), "/tmp", "/var/tmp")]
    parent = next(it for it in parents if _is_open(it))
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-{name}-", dir=parent))
    folder.chmod(0o755)
    return folder


def unprivileged() -> str | None:
    """Return the user that a server must run as when we are root, else None."""
    if os.geteuid() != 0:
        return None
    known = {it.pw_name for it in pwd.getpwall()}
    return next(it for it in OWNERS if it in known)


def reachable(folder: Path, program: str, user: str | None) -> bool:
    """Tell whether that user can run a program below that folder."""
    try:
        command = [str(folder / program), "--version"]
        subprocess.run(command, user=user, check=True, capture_output=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def spawn(
    command: Sequence[str], log: Path, *, user: str | None = None, on_death: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a server in its own session; if we die, the kernel sends it `on_death`."""
    launch = [sys.executable, "-I", "-S", str(LAUNCH), str(on_death.value), user or "-"]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*launch, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,  # Ctrl-C is ours; we stop servers in order.
        )


def wait_until_ready(
    process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool]
) -> None:
    """Return once the server answers; raise StartFailed with its words otherwise."""
    give_up_at = time.monotonic() + READY_SECONDS_MAX
    while not is_ready():
        if process.poll() is not None or time.monotonic() > give_up_at:
            stop(process, signal.SIGKILL)
            raise StartFailed(log.read_text(errors="replace")[-2000:])
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """End a process that we started, kindly and then for certain, paused or not."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def remove(folder: Path) -> None:
    """Remove a temporary folder with all that servers left in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove what runs left that were killed: folders that carry the number of a dead process."""
    for folder in parent.glob(f"{PREFIX}*-*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            remove(folder)


def _is_open(folder: Path) -> bool:
    return all(it.stat().st_mode & 0o001 for it in (folder, *folder.resolve().parents))
