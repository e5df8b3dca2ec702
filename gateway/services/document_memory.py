"""Trusted documents found a moment ago, so that a request for one costs no database.

What can be old here is only whether a document is still there, since its id is the digest of its
text: at most `SECONDS` after another process removed it; this process forgets at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.domain.caller import lineage
from gateway.domain.documents import DocumentId, TrustedDocument

#: How long a document is known without being looked up again.
SECONDS: Final = 30.0
#: Of all documents together; the ones not used for longest go first.
BYTES_MAX: Final = 8 * 1024 * 1024
#: What a document takes beside its text.
OVERHEAD_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class _Known:
    text: str
    size_bytes: int
    until: float


class DocumentMemory:
    """The texts of one process, by owner and id. Times are those of `Clock.monotonic`."""

    def __init__(self, *, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._known: dict[tuple[str, DocumentId], _Known] = {}
        self._bytes = 0
        #: Raised by every `forget`: what was looked up before one may be gone since.
        self.epoch = 0

    def find(self, owner_path: str, document_id: DocumentId, now: float) -> str | None:
        """Return the text as the owner itself or one above it has it, or None: ask the database."""
        for path in lineage(owner_path):
            known = self._known.get((path, document_id))
            if known is not None and known.until > now:
                self._known[path, document_id] = self._known.pop((path, document_id))
                return known.text
        return None

    def keep(self, document: TrustedDocument, now: float, *, epoch: int) -> None:
        """Remember *document*, looked up at *now*, when the epoch was *epoch*."""
        size = document.size_bytes + OVERHEAD_BYTES
        if epoch != self.epoch or size > self._bytes_max:
            return
        place = (document.owner_path, document.id)
        self._drop(place)
        self._known[place] = _Known(document.text, size, now + SECONDS)
        self._bytes += size
        while self._bytes > self._bytes_max:
            self._drop(next(iter(self._known)))

    def forget(self, owner_path: str, document_id: DocumentId) -> None:
        """Forget a document that was removed, and what is being looked up just now."""
        self.epoch += 1
        self._drop((owner_path, document_id))

    def _drop(self, place: tuple[str, DocumentId]) -> None:
        known = self._known.pop(place, None)
        if known is not None:
            self._bytes -= known.size_bytes
