"""Transactions on what is kept, and the port Database."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway.services.scope import Scope
from tests.simulation.store.data import Data, Journal, Rows
from tests.simulation.store.events import MemoryEvents
from tests.simulation.store.operations import MemoryOperations
from tests.simulation.store.others import (
    MemoryAnswers,
    MemoryAudit,
    MemoryDrifts,
    MemoryPanels,
    MemoryResellers,
    RecordingHolds,
)
from tests.simulation.store.subscriptions import MemoryDevices, MemoryLines

if TYPE_CHECKING:
    from types import TracebackType


class NestedError(AssertionError):
    """A transaction waited for something: another one began meanwhile."""


class MemoryStore:
    """The repositories of one transaction; most need but one or two of them."""

    keys: Any

    def __init__(self, journal: Journal, scope: Scope) -> None:
        self.journal = journal
        self.scope = scope

    def __getattr__(self, name: str) -> Any:
        made = _REPOSITORIES[name](self.journal, self.scope)
        setattr(self, name, made)
        return made

    async def clock_ahead(self) -> timedelta:
        return timedelta()


_REPOSITORIES: Final[dict[str, type[Rows]]] = {
    "answers": MemoryAnswers,
    "audit": MemoryAudit,
    "devices": MemoryDevices,
    "drifts": MemoryDrifts,
    "events": MemoryEvents,
    "holds": RecordingHolds,
    "lines": MemoryLines,
    "operations": MemoryOperations,
    "panels": MemoryPanels,
    "resellers": MemoryResellers,
}


class Hooks(Protocol):
    """What may go wrong around a transaction."""

    async def begin(self) -> None:
        """Wait for a connection. Raises ServiceUnavailable."""

    def committing(self) -> None:
        """Raise where the commit does not happen: the process dies, or the connection does."""

    async def committed(self) -> None:
        """Raise where the commit happened, and nobody learns of it."""


class NoHooks:
    """Nothing goes wrong."""

    async def begin(self) -> None:
        return

    def committing(self) -> None:
        return

    async def committed(self) -> None:
        return


class _Transaction:
    __slots__ = ("database", "journal", "scope", "writable")

    def __init__(self, database: MemoryDatabase, scope: Scope, *, writable: bool) -> None:
        self.database = database
        self.scope = scope
        self.writable = writable

    async def __aenter__(self) -> MemoryStore:
        await self.database.hooks.begin()
        shared = self.database.shared
        if shared.present is not None:
            raise NestedError
        shared.present = self
        self.journal = Journal(shared.data)
        return MemoryStore(self.journal, self.scope)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shared, journal = self.database.shared, self.journal
        shared.present = None
        if error is not None:
            journal.roll_back()
            return
        if not self.writable:
            if journal.undo:
                journal.roll_back()
                raise AssertionError("a read transaction wrote")
            return
        try:
            self.database.hooks.committing()
        except BaseException:
            journal.roll_back()
            raise
        shared.commits += 1
        if journal.touched:
            self.database.tell(journal.touched)
        await self.database.hooks.committed()


@dataclass(slots=True)
class Shared:
    """The database itself, which outlives processes."""

    data: Data = field(default_factory=Data)
    present: _Transaction | None = None
    commits: int = 0


def tell_nobody(_ids: Collection[str]) -> None:
    """Tell nobody."""


class MemoryDatabase:
    """The port Database, as one process sees it."""

    def __init__(
        self,
        shared: Shared,
        hooks: Hooks | None = None,
        tell: Callable[[Collection[str]], None] = tell_nobody,
    ) -> None:
        self.shared = shared
        self.hooks: Hooks = hooks or NoHooks()
        self.tell = tell

    def read(self, scope: Scope) -> _Transaction:
        return _Transaction(self, scope, writable=False)

    def write(self, scope: Scope) -> _Transaction:
        return _Transaction(self, scope, writable=True)

    async def is_ready(self) -> bool:
        return True
