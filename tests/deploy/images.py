"""Builds the image, and runs it as a cluster would: read-only, with no right and no root."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.deploy.made import ROOT
from tests.servers.deploy_tools import Builder
from tests.servers.obtain import machine_lock

T = TypeVar("T")

TAG: Final = "xtream-gateway:tested"
#: Where a build finds this machine's certificates, if its pip has any of its own.
CERTIFICATES: Final = "/run/pip-certificates.crt"
#: What this machine's pip is told about the index, that a build has to be told as well.
PIP_OPTIONS: Final = ("index-url", "extra-index-url", "proxy", "trusted-host", "timeout")
READY_SECONDS_MAX: Final = 30
#: In mount, process and IPC namespaces of its own: the root made read-only, a /tmp, then no right.
#: A change of user forgets who dies with whom, so that is said last.
ENTER: Final = """
set -e
mount --make-rprivate /
mount --bind "$ROOT_FOLDER" "$ROOT_FOLDER"
mount -o remount,bind,ro "$ROOT_FOLDER"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$ROOT_FOLDER/tmp"
mount --bind "$STATE_FOLDER" "$ROOT_FOLDER/var/lib/xtream-gateway"
mount -t proc proc "$ROOT_FOLDER/proc"
mount --bind /dev "$ROOT_FOLDER/dev"
cd "$ROOT_FOLDER"
exec chroot . setpriv --reuid="$IMAGE_UID" --regid="$IMAGE_GID" --clear-groups \
  --inh-caps=-all --bounding-set=-all --no-new-privs --pdeathsig=KILL \
  env --ignore-environment --chdir="$IMAGE_FOLDER" "$@"
"""


def built(builder: Builder) -> str:
    """Build the image, unless nothing has changed; return its name."""
    with machine_lock("images"), tempfile.TemporaryDirectory() as folder:
        builder.run(
            *("build", "--isolation", "chroot", "--pull-never", "--layers", "--format", "docker"),
            *_pip_options(Path(folder)),
            *("--tag", TAG, str(ROOT)),
        )
        builder.tidy()
    return TAG


def _pip_options(folder: Path) -> Iterator[str]:
    """Yield what gives the build this machine's way to the package index, as its secret."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines, certificates = ["[global]"], ""
    for line in listed.splitlines():
        name, _, quoted = line.partition("=")
        option, value = name.rpartition(".")[2].replace("_", "-"), quoted.strip("'\"")
        if option == "cert":
            certificates = value
        elif option in PIP_OPTIONS and "file://" not in value:
            lines.append(f"{option} = {value}")
    if certificates:
        lines.append(f"cert = {CERTIFICATES}")
        yield from ("--volume", f"{certificates}:{CERTIFICATES}:ro")
    file = folder / "pip.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    yield from ("--secret", f"id=pip_conf,src={file}")


@dataclass(frozen=True, slots=True)
class Image:
    """A built image, mounted."""

    root: Path
    config: dict[str, Any]
    state: Path

    @property
    def command(self) -> list[str]:
        """Return how it starts without any word."""
        return [*self.config["Entrypoint"], *self.config["Cmd"]]

    def entered(self, command: list[str], variables: Mapping[str, str]) -> list[str]:
        """Return the command that runs *command* inside."""
        own = dict(line.split("=", 1) for line in self.config["Env"])
        environment = [f"{name}={text}" for name, text in {**own, **variables}.items()]
        return [
            *("setpriv", "--pdeathsig=KILL"),
            *("unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"),
            *("sh", "-c", ENTER, "enter", *environment, *command),
        ]

    def run(
        self, *command: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside, to its end."""
        return subprocess.run(
            self.entered(list(command), variables or {}),
            env=self._environment(),
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def python(self, code: str) -> str:
        """Run Python inside and return what it prints."""
        done = self.run("python", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextmanager
    def started(
        self, *words: str, variables: Mapping[str, str], log: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a role within the block, its first process as the first one inside."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.entered([*self.config["Entrypoint"], *words], variables),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def is_healthy(self, process: subprocess.Popen[bytes]) -> bool:
        """Run the image's own health check beside the role, as an engine would."""
        _, *check = self.config["Healthcheck"]["Test"]
        first = inner_of(process)
        variables = Path(f"/proc/{first}/environ").read_text(encoding="utf-8").split("\0")
        done = subprocess.run(
            [
                *("nsenter", "--target", str(first), "--mount", "--pid", "--root", "--wd"),
                *("env", "--ignore-environment", *filter(None, variables), *check),
            ],
            check=False,
            capture_output=True,
        )
        return done.returncode == 0

    def _environment(self) -> dict[str, str]:
        uid, _, gid = self.config["User"].partition(":")
        return {
            "PATH": os.environ["PATH"],
            "ROOT_FOLDER": str(self.root),
            "STATE_FOLDER": str(self.state),
            "IMAGE_UID": uid,
            "IMAGE_GID": gid,
            "IMAGE_FOLDER": self.config["WorkingDir"],
        }


def inner_of(process: subprocess.Popen[bytes]) -> int:
    """Return the number, outside, of the process that is the first one inside."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(_once_true(lambda: children.read_text(encoding="ascii")).split()[0])


def stop(process: subprocess.Popen[bytes], image: Image) -> int:
    """Send the image's stop signal to the first process inside, and return how it ended.

    The kernel drops a signal to the first process that this one has no handler for yet.
    """
    number, inner = signal.Signals[image.config["StopSignal"]], inner_of(process)
    _once_true(lambda: _caught(inner) >> (number - 1) & 1)
    os.kill(inner, number)
    return process.wait(timeout=60)


def _caught(process: int) -> int:
    """Return the set of signals that a process has handlers for, as the kernel writes it."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.partition("SigCgt:")[2].split()[0], 16)


def _once_true(look: Callable[[], T]) -> T:
    """Return what *look* finds once it finds anything."""
    give_up_at = time.monotonic() + READY_SECONDS_MAX
    while not (found := look()):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return found


@contextmanager
def mounted(builder: Builder, folder: Path) -> Iterator[Image]:
    """Build the image and mount it within the block."""
    name = built(builder)
    container = builder.run("from", "--pull-never", name).strip()
    try:
        root = Path(builder.run("mount", container).strip())
        described = json.loads(builder.run("inspect", "--type", "image", name))
        config = described["Docker"]["config"]
        state = folder / "state"
        shutil.copytree(root / "var/lib/xtream-gateway", state)
        original = (root / "var/lib/xtream-gateway").stat()
        os.chown(state, original.st_uid, original.st_gid)
        state.chmod(original.st_mode)
        yield Image(root, config, state)
    finally:
        builder.run("rm", container)
