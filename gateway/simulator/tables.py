"""Rows in memory as the database would keep them: ids, defaults, refusals, comparison.

There are no unique keys but the primary ones, and no transactions: a statement works or fails
alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.simulator.coercion import Cell, Column, SqlFailed, coerce
from gateway.simulator.collation import search_key, sort_key

Row: TypeAlias = dict[str, Cell]
MAX_ID: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Effect:
    """One cell that changed; `before` is None for a new row, `after` for one that is gone."""

    table: str
    id: int
    column: str
    before: Cell
    after: Cell


def float32(number: float) -> float:
    """Return *number* as a single-precision column reads: six significant digits."""
    limit = 3.4028234e38
    single: float = struct.unpack("f", struct.pack("f", min(max(number, -limit), limit)))[0]
    return float(f"{single:.6g}")


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
        self._keep(key, {name: row.get(name, c.filled()) for name, c in self.columns.items()})

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
        self.rows[key] = row
        self.next_id = max(self.next_id, key + 1)
        self.dirty.add(key)
        if self._indexed is not None:
            self._index.setdefault(self._index_key(row), []).append(key)

    def _forget(self, key: int) -> None:
        row = self.rows.pop(key)
        self.dirty.add(key)
        if self._indexed is not None:
            entry = self._index[self._index_key(row)]
            entry.remove(key)
            if not entry:
                del self._index[self._index_key(row)]

    def _index_key(self, row: Row) -> Cell:
        cell = row[self._indexed or self.key]
        return sort_key(str(cell)) if self._is_text else cell


class Tables:
    """All tables of the panel, by name."""

    def __init__(self, *tables: Table) -> None:
        self._tables: Final = {table.name: table for table in tables}

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def snapshot(self) -> dict[str, tuple[int, dict[int, Row]]]:
        """Return a copy of every row and counter."""
        return {
            table.name: (table.next_id, {key: dict(row) for key, row in table.rows.items()})
            for table in self
        }

    def restore(self, saved: dict[str, tuple[int, dict[int, Row]]]) -> None:
        """Go back to a copy, as a panel does whose backup was restored."""
        for name, (next_id, rows) in saved.items():
            table = self[name]
            for key in list(table.rows):
                table.delete(key)
            for key, row in rows.items():
                table.load(key, row)
            table.next_id = next_id
