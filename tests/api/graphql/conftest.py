"""A served gateway, and the npm packages of GraphQL clients."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.api.graphql.support import WAIT_SECONDS_MAX, Served, serve
from tests.servers.deploy_tools import cache_folder
from tests.servers.flags import flag
from tests.servers.obtain import machine_lock

NPM = Path(__file__).with_name("npm")
RunScript = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A gateway with the small schema, on a free port."""
    async with serve() as it:
        yield it


@pytest.fixture
def unserved() -> Served:
    """The same without a server between: quicker, and enough for whole answers."""
    return Served.made()


@pytest.fixture
def modules(node: Path) -> Path:
    """The folder node_modules with what npm/package-lock.json names; outside of the repository."""
    lock = (NPM / "package-lock.json").read_bytes()
    folder = cache_folder() / f"graphql-clients-{hashlib.sha256(lock).hexdigest()[:16]}"
    done = folder / "done"
    with machine_lock("graphql-clients"):
        if not done.exists():
            folder.mkdir(exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(NPM / name, folder)
            path = f"{node}{os.pathsep}{os.environ.get('PATH', '')}"
            command = [str(node / "npm"), "ci", "--ignore-scripts", "--no-audit", "--silent"]
            made = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, check=False)
            if made.returncode != 0:
                give_up = pytest.skip if flag("MISSING_OK") else pytest.fail
                give_up("missing: the npm packages of GraphQL clients cannot be installed")
            done.touch()
    return folder / "node_modules"


@pytest.fixture
def run_script(node: Path, modules: Path) -> RunScript:
    """Runs npm/NAME with arguments while the server of the test goes on; returns its JSON."""

    async def run(name: str, *arguments: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            *(str(node / "node"), str(NPM / name), *arguments),
            env={"PATH": str(node), "NODE_MODULES": str(modules)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(2 * WAIT_SECONDS_MAX):
                output, errors = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, errors.decode()
        return json.loads(output)

    return run
