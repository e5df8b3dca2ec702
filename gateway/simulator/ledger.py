"""What was asked, what changed and what was answered: one record a request, append-only.

A checker compares it with what the gateway believes. It holds credentials in the clear and is
never served on the panel's own port.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.simulator.tables import Effect

MAX_TEXT = 65536


@dataclass(slots=True)
class Record:
    """One request."""

    seq: int
    at: float
    caller: str
    port: int
    method: str
    query: str
    body: str
    profile: str
    action: str = ""
    sub: str = ""
    fault: str | None = None
    fault_id: int | None = None
    effects: list[Effect] = field(default_factory=list)
    status: int | None = None
    sent_bytes: int = 0
    answer: str = ""
    answered_at: float | None = None
    gone_at: float | None = None
    """When the caller hung up before an answer."""

    def as_dict(self) -> dict[str, Any]:
        """Return the record as it is served and stored."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made


class Ledger:
    """All records, the oldest first."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.next_seq = 1

    def open(self, record: Record) -> None:
        """Add the record of a request that has just arrived."""
        self.records.append(record)
        self.next_seq = record.seq + 1

    def since(self, seq: int) -> list[Record]:
        """Return the records after *seq*."""
        return [record for record in self.records if record.seq > seq]

    def clear(self) -> None:
        """Forget everything; sequence numbers begin again."""
        self.records.clear()
        self.next_seq = 1

    def digest(self) -> str:
        """Return one hash over what happened; equal runs have equal digests."""
        found = hashlib.sha256()
        for record in self.records:
            kept = record.as_dict()
            for volatile in ("at", "answered_at", "gone_at", "port"):
                kept.pop(volatile)
            found.update(msgspec.json.encode(kept, order="sorted"))
        return found.hexdigest()


def shown(raw: bytes) -> str:
    """Return *raw* as text for a record, cut at a limit, broken bytes made visible."""
    return raw[:MAX_TEXT].decode("utf-8", "backslashreplace")


def restored(fields: dict[str, Any]) -> Record:
    """Return a record read back from the state file."""
    return msgspec.convert(fields, Record)
