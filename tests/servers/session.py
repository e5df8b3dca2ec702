"""What one run has: shared servers, and what is missing. No pytest hook is in here."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypedDict

from tests.servers import deploy_tools, obtain
from tests.servers.postgres import PostgresServer
from tests.servers.processes import StartFailed
from tests.servers.redis import RedisServer


class Shared(TypedDict):
    """What a parallel run tells its workers; plain text, since it crosses processes."""

    places: dict[str, str]
    missing: dict[str, str]


class Services:
    """Gets each thing when it is first asked for; what cannot be had is asked for only once."""

    def __init__(self, shared: Shared | None = None) -> None:
        self._places: dict[str, str] = dict(shared["places"]) if shared else {}
        self.missing: dict[str, str] = dict(shared["missing"]) if shared else {}
        self._closers: list[Callable[[], None]] = []

    def get(self, need: str) -> str:
        """Return the URL or path of one need; raise Missing with a sentence otherwise."""
        if need in self.missing:
            raise obtain.Missing(self.missing[need])
        if need not in self._places:
            try:
                self._places[need] = GETTERS[need](self)
            except (obtain.Missing, StartFailed) as error:
                self.missing[need] = str(error)
                raise obtain.Missing(str(error)) from error
        return self._places[need]

    def try_all(self, needs: set[str]) -> None:
        """Get what can be had; the rest is in `missing` afterwards."""
        for need in sorted(needs):
            try:
                self.get(need)
            except obtain.Missing:
                continue

    def shared(self, *, is_first: bool = True) -> Shared:
        """Return what a worker needs to know.

        Each has a PostgreSQL of its own: an event is shown once no older transaction is open in the
        whole cluster, and those of another worker's tests would count.
        """
        places = dict(self._places)
        if "postgres" in places and not is_first:
            places["postgres"] = self.start_postgres()
        return {"places": places, "missing": self.missing}

    def close(self) -> None:
        """Stop what this process started, last first."""
        while self._closers:
            self._closers.pop()()

    def start_redis(self) -> str:
        server = RedisServer.started()
        self._closers.append(server.close)
        return server.url

    def start_postgres(self) -> str:
        server = PostgresServer.started()
        self._closers.append(server.close)
        return server.address


def _path(find: Callable[[], Path]) -> Callable[[Services], str]:
    return lambda _services: str(find())


GETTERS: Final[dict[str, Callable[[Services], str]]] = {
    "redis": Services.start_redis,
    "redis program": _path(obtain.find_redis),
    "postgres": Services.start_postgres,
    "chromium": _path(obtain.find_chromium),
    "node": _path(obtain.find_node),
    "php": _path(obtain.find_php),
    "hadolint": _path(deploy_tools.find_hadolint),
    "helm": _path(deploy_tools.find_helm),
    "kubectl": _path(deploy_tools.find_kubectl),
    "image builder": _path(deploy_tools.find_builder),
}
