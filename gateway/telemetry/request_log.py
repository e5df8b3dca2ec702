"""The canonical log line: what is known of a request at its end, in one line.

Services and adapters note what only they know, wherever they are; outside of a request nothing
happens. What work notes that goes on after the answer is lost: its line is already written.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final, TypedDict, Unpack


class Noted(TypedDict, total=False):
    """What may be noted from below the edge.

    `cache`: `hit`, `miss`, `stale` or `bypass`. No secrets, no texts of callers or panels.
    """

    action: str
    cache: str
    operation_id: str
    replayed: bool
    reseller_id: str


class RequestNotes:
    """The notes of one request."""

    def __init__(self) -> None:
        self.fields: Noted = {}
        self.panel_calls = 0


_notes: Final[ContextVar[RequestNotes | None]] = ContextVar("request_notes", default=None)


def begin_notes() -> RequestNotes:
    """Start the notes of a request; tasks that it spawns write into the same ones."""
    notes = RequestNotes()
    _notes.set(notes)
    return notes


def present_notes() -> RequestNotes | None:
    """Return the notes of the request that is being answered, if one is."""
    return _notes.get()


def end_notes() -> None:
    """Forget the notes of this request."""
    _notes.set(None)


def note(**fields: Unpack[Noted]) -> None:
    """Add to the line of the present request; the last word of a field counts."""
    if (notes := _notes.get()) is not None:
        notes.fields.update(fields)


def note_panel_call() -> None:
    """Count one call of a panel for the line of the present request."""
    if (notes := _notes.get()) is not None:
        notes.panel_calls += 1
