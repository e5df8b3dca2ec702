"""What is kept, and how a change of it is taken back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from gateway.domain.audit import AuditEntry, Phase
from gateway.domain.devices import Device
from gateway.domain.drifts import Drift
from gateway.domain.errors import NotFound
from gateway.domain.events import Event
from gateway.domain.idempotency import KeptAnswer
from gateway.domain.ids import OperationId
from gateway.domain.lines import Line
from gateway.domain.operations import Operation
from gateway.domain.panels import Panel
from gateway.domain.resellers import Reseller
from gateway.services.scope import Scope

T = TypeVar("T")
_MISSING: Final = object()


class OutOfScopeError(RuntimeError):
    """A row of somebody else was written."""


@dataclass(slots=True)
class Data:
    """All rows, and the indexes that the unique constraints need."""

    lines: dict[str, Line] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    drifts: dict[str, Drift] = field(default_factory=dict)
    names: dict[object, str] = field(default_factory=dict)
    external: dict[object, str] = field(default_factory=dict)
    references: dict[tuple[str, str], OperationId] = field(default_factory=dict)
    resellers: dict[str, Reseller] = field(default_factory=dict)
    panels: dict[str, Panel] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    """The operation that holds a resource, by the resource."""
    waiting: dict[str, None] = field(default_factory=dict)
    """Operations that are not final."""
    watched: dict[str, None] = field(default_factory=dict)
    answers: dict[str, KeptAnswer] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    entries: dict[str, AuditEntry] = field(default_factory=dict)
    phases: dict[str, tuple[Phase, ...]] = field(default_factory=dict)
    """What the audit log says of each operation."""
    events: dict[str, Event] = field(default_factory=dict)
    """In the order in which they were written, which here is that of the commits."""
    sequences: dict[str, int] = field(default_factory=dict)
    holds: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Whose and in what state: held, captured, released."""


class Journal:
    """Every change of *data* goes through here, so that it can be taken back."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self.touched: set[str] = set()

    def put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self.undo.append((table, key, table.get(key, _MISSING)))
        table[key] = value

    def drop(self, table: dict[Any, Any], key: Any) -> None:
        if key in table:
            self.undo.append((table, key, table.pop(key)))

    def roll_back(self, mark: int = 0) -> None:
        while len(self.undo) > mark:
            table, key, value = self.undo.pop()
            if value is _MISSING:
                table.pop(key, None)
            else:
                table[key] = value


def kept(row: Any, before: Any) -> Any:
    """Return *row* with what a change never changes."""
    if row.owner_path == before.owner_path and row.created_at == before.created_at:
        return row
    return replace(row, owner_path=before.owner_path, created_at=before.created_at)


class Rows:
    __slots__ = ("data", "journal", "scope")

    def __init__(self, journal: Journal, scope: Scope) -> None:
        self.journal = journal
        self.data = journal.data
        self.scope = scope

    def visible(self, row: T | None) -> T | None:
        """Return a row of the scope; foreign ones are absent."""
        return row if row is not None and self.scope.covers(row.owner_path, None) else None  # type: ignore[attr-defined]

    def required(self, row: T | None) -> T:
        found = self.visible(row)
        if found is None:
            raise NotFound("There is no such thing.")
        return found

    def guard(self, owner_path: str) -> None:
        if not self.scope.covers(owner_path, None):
            raise OutOfScopeError(owner_path)
