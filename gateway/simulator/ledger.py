"""What was asked, what changed and what was answered: one record a request, append-only.

A checker compares it with what the gateway believes. It holds credentials in the clear and is
never served on the panel's own port.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
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
    fields: list[str] = field(default_factory=list)
    """Names of all parameters, such as `user_data[exp_date]`."""
    subjects: list[str] = field(default_factory=list)
    """Whom it is about: `user:name`, `mac:AA:..`, `account:id`."""
    effects: list[Effect] = field(default_factory=list)
    outside: list[Effect] = field(default_factory=list)
    """Changes at its moment that are not its own: another operator's, a race's, a backup's."""
    status: int | None = None
    sent_bytes: int = 0
    answer: str = ""
    answered_at: float | None = None
    gone_at: float | None = None
    """When the caller hung up before an answer."""
    step: str = "accept"
    """The last point that the request reached."""
    gone_step: str | None = None
    """The point at which the caller was gone."""
    matched: bool | None = None
    """Whether what the caller was told is what happened; None until that is known."""
    banned: bool = False
    """Made while its caller was banned."""
    brought_ban: bool = False
    """The one request too many."""
    began: int = 0
    ended: int | None = None
    """Places in the order of all beginnings and ends; None while it goes on."""

    def note_gone(self, now: float) -> None:
        """Note the moment and the point at which the caller was gone, if it is the first."""
        if self.gone_at is None:
            self.gone_at, self.gone_step = now, self.step

    def as_dict(self) -> dict[str, Any]:
        """Return the record as it is served and stored."""
        made: dict[str, Any] = msgspec.to_builtins(self)
        return made


class Ledger:
    """All records, the oldest first."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.next_seq = 1
        self._moments = 0

    def open(self, record: Record) -> None:
        """Add the record of a request that has just arrived."""
        record.began = self._moment()
        self.records.append(record)
        self.next_seq = record.seq + 1

    def take_back(self, record: Record) -> None:
        """Add a record read from a file, as it is."""
        self.records.append(record)
        self.next_seq = record.seq + 1
        self._moments = max(self._moments, record.began, record.ended or 0)

    def close(self, record: Record) -> None:
        """Note that a request is over: it was answered, or its caller went away."""
        if record.ended is None:
            record.ended = self._moment()

    def _moment(self) -> int:
        self._moments += 1
        return self._moments

    def since(self, seq: int) -> list[Record]:
        """Return the records after *seq*."""
        return self.records[bisect_right(self.records, seq, key=lambda record: record.seq) :]

    def clear(self) -> None:
        """Forget everything; sequence numbers begin again."""
        self.records.clear()
        self.next_seq = 1
        self._moments = 0

    def digest(self) -> str:
        """Return one hash over what happened; equal runs have equal digests."""
        found = hashlib.sha256()
        for record in self.records:
            kept = record.as_dict()
            for volatile in ("at", "answered_at", "gone_at", "gone_step", "port", "began", "ended"):
                kept.pop(volatile)
            found.update(msgspec.json.encode(kept, order="sorted"))
        return found.hexdigest()


def shown(raw: bytes) -> str:
    """Return *raw* as text for a record, cut at a limit, broken bytes made visible."""
    return raw[:MAX_TEXT].decode("utf-8", "backslashreplace")


def restored(fields: dict[str, Any]) -> Record:
    """Return a record read back from the state file."""
    return msgspec.convert(fields, Record)
