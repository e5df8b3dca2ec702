"""Rows in memory as the database would keep them: ids, defaults, refusals, comparison.

There are no unique keys but the primary ones, and no transactions: a statement works or fails
alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.simulator.coercion import Cell, Column, SqlFailed, coerce, float32
from gateway.simulator.collation import search_key, sort_key

Row: TypeAlias = dict[str, Cell]
MAX_ID: Final = 2**31 - 1
JOURNAL_LENGTH: Final = 100_000
"""How many changes of rows are remembered, to go back in time by."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one row was before a change; `row` is None if there was none."""

    at: float
    by: int
    """The request that made it."""
    table: str
    id: int
    row: Row | None
    next_id: int


@dataclass(frozen=True, slots=True)
class Effect:
    """One cell that changed; `before` is None for a new row, `after` for one that is gone."""

    table: str
    id: int
    column: str
    before: Cell
    after: Cell


class Table:
    """One table; the first column is its auto-increment id."""

    def __init__(
        self,
        name: str,
        columns: tuple[Column, ...],
        *,
        text_index: str | None = None,
        number_index: str | None = None,
    ) -> None:
        self.name: Final = name
        self.columns: Final = {column.name: column for column in columns}
        self.key: Final = columns[0].name
        self.rows: dict[int, Row] = {}
        self.next_id = 1
        self.dirty: set[int] = set()
        """Ids changed since the state file last looked."""
        self.before_change: Callable[[], None] | None = None
        """Called before any row changes."""
        self.journal: Callable[[str, int, Row | None, int], None] | None = None
        """Told the name, the id, the row as it was and the counter."""
        self._names: Final = {name.lower(): name for name in self.columns}
        self._indexed: Final = text_index or number_index
        self._is_text: Final = text_index is not None
        self._index: dict[Cell, list[int]] = {}

    # --- reading ---------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Row]:
        return iter([self.rows[key] for key in sorted(self.rows)])

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, value: int | str) -> list[Row]:
        """Return the rows whose indexed column equals *value*, the oldest first."""
        key = search_key(value) if isinstance(value, str) else value
        if key is None:
            return []
        return [self.rows[found] for found in sorted(self._index.get(key, ()))]

    def column(self, name: str, statement: str) -> str:
        """Return the column called *name* in any case; `SqlFailed` when there is none."""
        found = self._names.get(name.lower())
        if found is None:
            raise SqlFailed(f"Unknown column '{name}' in '{statement}'")
        return found

    # --- writing ---------------------------------------------------------------------------------

    def insert(self, values: Row, *, strict: bool) -> tuple[int, list[Effect]]:
        """Add a row and return its id and effects; a refused row uses no id."""
        self._announce()
        row: Row = {}
        for name, column in self.columns.items():
            if name in values:
                row[name] = self._stored(column, values[name], strict=strict)
            elif column.required and strict:
                raise SqlFailed(f"Field '{name}' doesn't have a default value")
            else:
                row[name] = column.filled()
        wanted = row[self.key]
        key = int(wanted) if wanted else self.next_id
        if key in self.rows:
            raise SqlFailed(f"Duplicate entry '{key}' for key 'PRIMARY'")
        if key > MAX_ID:
            raise SqlFailed("Failed to read auto-increment value from storage engine")
        row[self.key] = key
        self._keep(key, row)
        effects = [Effect(self.name, key, n, None, cell) for n, cell in row.items()]
        return key, [effect for effect in effects if effect.after is not None]

    def update(self, ids: list[int], values: Row, *, strict: bool) -> list[Effect]:
        """Change the rows *ids*, all or none; return what really changed."""
        self._announce()
        changed: list[tuple[int, Row]] = []
        for key in ids:
            row = dict(self.rows[key])
            for name, value in values.items():
                row[name] = self._stored(self.columns[name], value, strict=strict)
            if row != self.rows[key]:
                changed.append((key, row))
        self._check_ids(changed)
        effects: list[Effect] = []
        for key, row in changed:
            old = self.rows[key]
            effects += [
                Effect(self.name, key, name, old[name], cell)
                for name, cell in row.items()
                if old[name] != cell
            ]
            self._forget(key)
            self._keep(int(row[self.key] or 0), row)
        return effects

    def delete(self, key: int) -> list[Effect]:
        """Remove one row, if it is there."""
        self._announce()
        old = self.rows.get(key)
        if old is None:
            return []
        self._forget(key)
        return [
            Effect(self.name, key, name, cell, None)
            for name, cell in old.items()
            if cell is not None
        ]

    def load(self, key: int, row: Row) -> None:
        """Take a row back from a file or a snapshot, as it is."""
        self._announce()
        self._keep(key, {name: row.get(name, c.filled()) for name, c in self.columns.items()})

    def _announce(self) -> None:
        if self.before_change is not None:
            self.before_change()

    def _stored(self, column: Column, value: Cell, *, strict: bool) -> Cell:
        cell = coerce(column, value, strict=strict)
        return float32(cell) if isinstance(cell, float) else cell

    def _check_ids(self, changed: list[tuple[int, Row]]) -> None:
        taken = set(self.rows)
        for key, row in changed:
            taken.discard(key)
            if row[self.key] in taken:
                raise SqlFailed(f"Duplicate entry '{row[self.key]}' for key 'PRIMARY'")
            taken.add(int(row[self.key] or 0))

    def _keep(self, key: int, row: Row) -> None:
        if self.journal is not None:
            self.journal(self.name, key, self.rows.get(key), self.next_id)
        self.rows[key] = row
        self.next_id = max(self.next_id, key + 1)
        self.dirty.add(key)
        if self._indexed is not None:
            self._index.setdefault(self._index_key(row), []).append(key)

    def _forget(self, key: int) -> None:
        row = self.rows.pop(key)
        if self.journal is not None:
            self.journal(self.name, key, row, self.next_id)
        self.dirty.add(key)
        if self._indexed is not None:
            entry = self._index[self._index_key(row)]
            entry.remove(key)
            if not entry:
                del self._index[self._index_key(row)]

    def _index_key(self, row: Row) -> Cell:
        cell = row[self._indexed or self.key]
        return sort_key(str(cell)) if self._is_text else cell


Saved: TypeAlias = dict[str, tuple[int, dict[int, Row]]]
"""A copy of tables: of each its counter and its rows."""


class Tables:
    """All tables of the panel, by name."""

    def __init__(self, *tables: Table) -> None:
        self._tables: Final = {table.name: table for table in tables}
        self._journal: deque[Change] = deque(maxlen=JOURNAL_LENGTH)
        self.writer = 0
        """The number of the request that writes now."""

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def remember(self, now: Callable[[], float]) -> None:
        """Note every change from now on, with its moment."""

        def note(table: str, key: int, row: Row | None, next_id: int) -> None:
            self._journal.append(Change(now(), self.writer, table, key, row, next_id))

        for table in self:
            table.journal = note

    def snapshot(self) -> Saved:
        """Return a copy of every row and counter."""
        return {
            table.name: (table.next_id, {key: dict(row) for key, row in table.rows.items()})
            for table in self
        }

    def as_of(self, moment: float) -> Saved | None:
        """Return a copy as it was at *moment*; None if nothing has changed since then."""
        if not self._journal or self._journal[-1].at <= moment:
            return None
        saved = self.snapshot()
        for change in reversed(self._journal):
            if change.at <= moment:
                break
            _put_back(saved, change)
        return saved

    def previous(self, since: float) -> Saved | None:
        """Return a copy where each row changed after *since* is as before its last change.

        What one request did to a row counts as one change. None if nothing has changed.
        """
        saved: Saved | None = None
        last: dict[tuple[str, int], int] = {}
        for change in reversed(self._journal):
            if change.at < since:
                break
            if last.setdefault((change.table, change.id), change.by) != change.by:
                continue
            saved = saved or self.snapshot()
            _put_back(saved, change)
        return saved

    def restore(self, saved: Saved) -> list[Effect]:
        """Go back to a copy, as a panel does whose backup was restored; tell what changed."""
        effects = [effect for name in saved for effect in self._differences(name, saved[name][1])]
        for name, (next_id, rows) in saved.items():
            table = self[name]
            for key in list(table.rows):
                table.delete(key)
            for key, row in rows.items():
                table.load(key, row)
            table.next_id = next_id
        return effects

    def _differences(self, name: str, rows: dict[int, Row]) -> Iterator[Effect]:
        now = self[name].rows
        for key in sorted(now.keys() | rows.keys()):
            old, new = now.get(key, {}), rows.get(key, {})
            for column in self[name].columns:
                if old.get(column) != new.get(column):
                    yield Effect(name, key, column, old.get(column), new.get(column))


def _put_back(saved: Saved, change: Change) -> None:
    rows = saved[change.table][1]
    if change.row is None:
        rows.pop(change.id, None)
    else:
        rows[change.id] = dict(change.row)
    saved[change.table] = (change.next_id, rows)
