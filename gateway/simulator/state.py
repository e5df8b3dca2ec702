"""The state file: tables and ledger in SQLite, so that a killed panel goes on where it was.

Whatever a request wrote is committed before its answer leaves. The write-ahead log survives the
death of the process at any moment; an unfinished commit is dropped when the file is next opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.simulator.ledger import Ledger, Record, restored
from gateway.simulator.tables import Row, Tables

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS rows (name TEXT, id INTEGER, row BLOB, PRIMARY KEY (name, id));
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, next_id INTEGER);
CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY, record BLOB);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB);
"""


class StateFile:
    """One open state file; only one process may use it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path: Final = path
        self._db: Final = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._mark()
        path.chmod(0o600)

    def _mark(self) -> None:
        """Say in the file itself what it holds."""
        mark = ("secret", "This file holds credentials in the clear.")
        self._run(("INSERT OR REPLACE INTO meta VALUES (?, ?)", [mark]))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def load(self, tables: Tables, ledger: Ledger) -> bool:
        """Fill *tables* and *ledger* from the file; False if it is new."""
        counters = self._db.execute("SELECT name, next_id FROM counters").fetchall()
        if not counters:
            return False
        rows: dict[str, dict[int, Row]] = {name: {} for name, _ in counters if name in tables}
        for name, key, packed in self._db.execute("SELECT name, id, row FROM rows"):
            if name in rows:
                rows[name][key] = msgspec.msgpack.decode(packed)
        tables.restore({name: (n, rows[name]) for name, n in counters if name in rows})
        for table in tables:
            table.dirty.clear()
        for (packed,) in self._db.execute("SELECT record FROM ledger ORDER BY seq"):
            ledger.take_back(restored(msgspec.msgpack.decode(packed)))
        return True

    def save(self, tables: Tables, records: Iterable[Record] = ()) -> None:
        """Commit every row that changed since the last time, and *records*."""
        gone: list[tuple[str, int]] = []
        kept: list[tuple[str, int, bytes]] = []
        counters: list[tuple[str, int]] = []
        for table in tables:
            for key in table.dirty:
                row = table.rows.get(key)
                if row is None:
                    gone.append((table.name, key))
                else:
                    kept.append((table.name, key, msgspec.msgpack.encode(row)))
            if table.dirty:
                counters.append((table.name, table.next_id))
            table.dirty.clear()
        packed = [(record.seq, msgspec.msgpack.encode(record)) for record in records]
        self._run(
            ("DELETE FROM rows WHERE name = ? AND id = ?", gone),
            ("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", kept),
            ("INSERT OR REPLACE INTO counters VALUES (?, ?)", counters),
            ("INSERT OR REPLACE INTO ledger VALUES (?, ?)", packed),
        )

    def clear(self, tables: Tables) -> None:
        """Empty the file and keep *tables* as the new beginning."""
        for name in ("rows", "counters", "ledger", "meta"):
            self._db.execute(f"DELETE FROM {name}")  # noqa: S608 - names of our own.
        for table in tables:
            table.dirty.update(table.rows)
        self.save(tables)
        self._run(
            (
                "INSERT OR REPLACE INTO counters VALUES (?, ?)",
                [(table.name, table.next_id) for table in tables],
            )
        )
        self._mark()

    def _run(self, *statements: tuple[str, list[Any]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                if values:
                    self._db.executemany(statement, values)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
