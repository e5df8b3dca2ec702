"""A real Redis on a free loopback port; nothing is kept on disk."""

import signal
import socket
import subprocess
from typing import Final, Self

from tests.servers import obtain, processes

DATABASES: Final = 64  # One for each worker of a parallel run.


class RedisServer:
    """A Redis process of our own. `url` stays the same over kill() and start()."""

    def __init__(self) -> None:
        self.program = obtain.find_redis()
        self.folder = processes.open_folder("redis")
        self.log = self.folder / "redis.log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @classmethod
    def started(cls) -> Self:
        """Return a server that answers PING."""
        server = cls()
        try:
            server.start()
        except BaseException:
            server.close()
            raise
        return server

    def start(self) -> None:
        """Start, or start again, empty, on the same port."""
        fixed = self.port
        for _ in range(processes.TRIES):
            self.port = fixed or processes.free_port()
            options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
            options += ["--appendonly", "no", "--databases", str(DATABASES)]
            options += ["--dir", str(self.folder), "--loglevel", "warning"]
            command = [str(self.program), *options]
            self.process = processes.spawn(command, self.log, on_death=signal.SIGKILL)
            try:
                processes.wait_until_ready(self.process, self.log, self._answers)
            except processes.StartFailed as error:
                failure = error
            else:
                return
        raise failure

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            processes.stop(self.process, signal.SIGKILL)

    def pause(self) -> None:
        """Make it hang: connections are accepted by the kernel, nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it and remove what it left."""
        self.kill()
        processes.remove(self.folder)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16) == b"+PONG\r\n"
        except OSError:
            return False
