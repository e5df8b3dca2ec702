"""Trusted documents: GraphQL texts that were uploaded before they are asked for by their id.

An id is `sha256:` and the SHA-256 of the text's UTF-8 bytes in lower-case hex, so nobody can put
another text under an id: whoever finds it has found what the client was built with.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, assert_never

from gateway.domain.caller import Caller, CallerKind
from gateway.domain.errors import Fault
from gateway.domain.ids import ResellerId

DocumentId = NewType("DocumentId", str)
#: Says what is wrong with a text, in one sentence that may be shown; None: nothing.
FindFault = Callable[[str], str | None]

ID_PREFIX: Final = "sha256:"
ID_PATTERN: Final = r"^sha256:[0-9a-f]{64}$"
#: Of one text, as UTF-8.
TEXT_BYTES_MAX: Final = 64 * 1024
#: In one upload.
UPLOAD_MAX: Final = 500
#: Of one owner: a reseller, or all operators together.
OWNED_MAX: Final = 5_000

_ID: Final = re.compile(ID_PATTERN)
#: A pointer names an id by its beginning only, however long what was sent is.
_SHOWN_LENGTH: Final = 100


class DocumentsMode(StrEnum):
    """What a caller may send to GraphQL: any text (`logged`: with a word in the log), or ids."""

    OPEN = "open"
    LOGGED = "logged"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsModes:
    """The mode of each kind of caller, as the settings have it."""

    operator: DocumentsMode = DocumentsMode.OPEN
    reseller: DocumentsMode = DocumentsMode.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDocument:
    """A text that its owner, and the resellers below it, may send by its id.

    `reseller_id` None: the operator's, for everybody. `entry_id` is ours: it orders lists.
    """

    id: DocumentId
    entry_id: str
    text: str
    reseller_id: ResellerId | None
    owner_path: str
    created_at: datetime

    @property
    def size_bytes(self) -> int:
        """Return the length of the text in bytes, as UTF-8."""
        return len(self.text.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What came of an upload: how many texts are new, and how many the owner had already."""

    added: int
    present: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedDocument:
    """A document that is gone. `document_id`, since audit entries leave out what is called `id`."""

    document_id: DocumentId
    reseller_id: ResellerId | None
    size_bytes: int


def documents_mode(caller: Caller, modes: DocumentsModes) -> DocumentsMode:
    """Return what *caller* may send. The one place that decides it.

    A new kind of caller is decided here: the type checker finds this function wanting.
    """
    match caller.kind:
        case CallerKind.OPERATOR | CallerKind.SYSTEM:
            return modes.operator
        case CallerKind.RESELLER:
            return modes.reseller
        case CallerKind.STOREFRONT:  # Its browser is anybody's: nothing but what was looked at.
            return DocumentsMode.REQUIRED
        case _:
            assert_never(caller.kind)


def document_id_of(text: str) -> DocumentId:
    """Return the id of *text*.

    Raises:
        UnicodeEncodeError: it holds half of a surrogate pair, so it has no UTF-8 bytes.
    """
    return DocumentId(ID_PREFIX + hashlib.sha256(text.encode()).hexdigest())


def is_document_id(text: str) -> bool:
    """Tell whether *text* has the shape of an id; says nothing about existence."""
    return _ID.fullmatch(text) is not None


def upload_faults(
    documents: Mapping[str, str], find_fault: FindFault | None = None
) -> Iterator[Fault]:
    """Yield all that is wrong with an upload, each at `/documents/{id}` or `/documents`.

    The texts are not parsed here: *find_fault* is for those who know the schema, and is asked of
    texts that have no other fault.
    """
    if not documents:
        yield Fault("/documents", "too_short", "At least 1 item.")
    if len(documents) > UPLOAD_MAX:
        yield Fault("/documents", "too_long", f"At most {UPLOAD_MAX} items.")
        return
    for document_id, text in documents.items():
        found = _fault_of(document_id, text)
        if found is None and find_fault is not None and (wrong := find_fault(text)):
            found = ("invalid", wrong)
        if found is not None:
            yield Fault(document_pointer(document_id), *found)


def document_pointer(document_id: str) -> str:
    """Return the JSON pointer to a document of an upload."""
    name = document_id[:_SHOWN_LENGTH].replace("~", "~0").replace("/", "~1")
    return f"/documents/{name}"


def _fault_of(document_id: str, text: str) -> tuple[str, str] | None:
    """Return code and sentence of the first thing that is wrong with one document."""
    if not is_document_id(document_id):
        return "bad_format", f"The id must be {ID_PREFIX} and 64 lower-case hex digits."
    if not text:
        return "too_short", "The text is empty."
    try:
        # Characters are never more than bytes: what is longer is not encoded to be measured.
        size = len(text) if len(text) > TEXT_BYTES_MAX else len(text.encode())
    except UnicodeEncodeError:
        return "bad_format", "The text holds half of a surrogate pair."
    if size > TEXT_BYTES_MAX:
        return "too_long", f"At most {TEXT_BYTES_MAX} bytes."
    return _content_fault(document_id, text)


def _content_fault(document_id: str, text: str) -> tuple[str, str] | None:
    if "\x00" in text:  # PostgreSQL keeps no such text.
        return "bad_format", "The text holds a NUL character."
    if document_id != document_id_of(text):
        return "wrong_digest", "The id is not the SHA-256 of the text."
    return None
