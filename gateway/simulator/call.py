"""One run of the panel's script: its parameters, its database and the points where it can stall.

Checks and writes are not atomic here, as they are not on a panel: between them stands a step,
where other requests run, where a fault may hold this one, and where races come from.
"""

from __future__ import annotations

import random
import string
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.simulator.clock import Clock
from gateway.simulator.coercion import SqlFailed, fits_charset
from gateway.simulator.ledger import Record
from gateway.simulator.php import PhpArray, PhpValue, is_empty
from gateway.simulator.switches import Switches
from gateway.simulator.tables import Effect, Row, Table, Tables
from gateway.simulator.tampering import UNTOUCHED, Tampering

_ALPHABET: Final = string.ascii_letters + string.digits
_MAX_LOGGED: Final = 65535


class ScriptDied(Exception):
    """The script ended on an exception of its own: status 200, no body."""


class ScriptCrashed(Exception):
    """PHP itself gave up: status 500, no body."""


@dataclass(slots=True)
class Call:
    """What the actions of the script work with."""

    params: PhpArray
    tables: Tables
    switches: Switches
    clock: Clock
    random: random.Random
    record: Record
    step: Callable[[str], Awaitable[None]]
    """Wait at the point of this name."""
    tampering: Tampering = UNTOUCHED
    """What becomes of the statements, unknown to the script."""
    output_cache: dict[int, tuple[float, PhpArray]] = field(default_factory=dict)
    """Output formats as the panel remembers them for a while."""

    def given(self, name: str) -> PhpValue:
        """Return the parameter *name*, or None where PHP's empty() calls it missing."""
        value = self.params.get(name)
        return None if is_empty(value) else value

    def argument(self, name: str) -> str:
        """Return the parameter *name* as a statement's argument; arrays become ""."""
        value = self.params.get(name)
        return value if isinstance(value, str) else ""

    def now(self) -> int:
        """Return the panel's Unix time."""
        return int(self.clock.now())

    def generated(self) -> str:
        """Return ten random characters, the panel's idea of a username or password."""
        return "".join(self.random.choice(_ALPHABET) for _ in range(10))

    # --- statements ------------------------------------------------------------------------------

    @property
    def strict(self) -> bool:
        """Whether the database refuses what does not fit."""
        mode = self.tampering.sql_mode
        return self.switches.strict if mode is None else mode == "strict"

    async def insert(self, step: str, table: str, values: Row) -> int:
        """Add a row at the step called *step* and return its id."""
        await self.step(step)
        target = self._target(table)
        before = target.next_id
        if self.tampering.wrong is not None and step == "write_1":
            values = self.tampering.wrong.applied(target, values)
        try:
            key, effects = target.insert(values, strict=self.strict)
        except SqlFailed as failure:
            raise self.failed(failure, values.values()) from None
        if step in self.tampering.lost:
            target.delete(key)
            target.next_id = before
        else:
            self.record.effects += effects
        return key

    async def update(self, step: str, table: str, ids: list[int], values: Row) -> int:
        """Change rows at the step called *step*; return how many effects there were."""
        await self.step(step)
        target = self._target(table)
        saved = {key: dict(target.rows[key]) for key in ids if key in target.rows}
        if self.tampering.wrong is not None and step == "write_1":
            values = self.tampering.wrong.applied(target, values)
        try:
            effects = target.update(list(saved), values, strict=self.strict)
        except SqlFailed as failure:
            raise self.failed(failure, values.values()) from None
        if step in self.tampering.lost:
            _undo(target, effects, saved, values)
        else:
            self.record.effects += effects
        return len(effects)

    def _target(self, table: str) -> Table:
        self.tables.writer = self.record.seq
        return self.tables[table]

    def failed(self, failure: SqlFailed, texts: Iterable[object]) -> SqlFailed:
        """Keep a failed statement in the panel's own log, as the panel does, and return it.

        A statement with characters that the log cannot hold fails there too, under strict SQL,
        and the script then runs in circles until PHP ends it.
        """
        odd = any(isinstance(text, str) and not fits_charset(text) for text in texts)
        if self.strict and odd:
            raise ScriptCrashed(failure.reason)
        _, effects = self._target("panel_logs").insert(
            {
                "type": "database",
                "log_message": failure.reason[:_MAX_LOGGED],
                "date": self.now(),
            },
            strict=False,
        )
        self.record.effects += effects
        return failure

    async def log(self, username: str, password: str, text: str) -> None:
        """Add a row to the log of calls; under strict SQL that fails in silence."""
        owner = f"SYSTEM API[{self.record.caller}]"
        try:
            await self.insert(
                "log",
                "reg_userlog",
                {
                    "owner": owner,
                    "username": username,
                    "password": password,
                    "date": self.now(),
                    "type": text,
                },
            )
        except SqlFailed:
            return


def _undo(table: Table, effects: list[Effect], saved: dict[int, Row], values: Row) -> None:
    for key in {effect.id for effect in effects}:
        new_key = int(values.get(table.key) or key) if table.key in values else key
        table.delete(new_key)
        table.load(key, saved[key])
