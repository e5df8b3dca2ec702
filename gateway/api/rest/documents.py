"""`/v1/trusted-documents`: GraphQL texts that may be sent by their id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateway.api.rest.patterns import Documented
from gateway.api.rest.query import ChangeQuery, PageQuery
from gateway.api.rest.routing import delete, get, mapped, mapped_page, put
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.wire import ResellerRef, Wire, example
from gateway.domain.caller import Permission
from gateway.domain.documents import (
    ID_PATTERN,
    TEXT_BYTES_MAX,
    UPLOAD_MAX,
    DocumentId,
    RemovedDocument,
    TrustedDocument,
    Uploaded,
    document_id_of,
    upload_faults,
)
from gateway.domain.errors import Fault, NotFound, QuotaExceeded
from gateway.domain.ids import IdKind
from gateway.domain.paging import Page
from gateway.services import documents
from gateway.services.context import Context, Outcome

_EXAMPLE = "query Me { me { kind } }"

#: Checked by `upload_faults`, so that callers beside REST get the same faults.
Documents = Annotated[
    dict[str, str],
    Documented(
        {
            "minProperties": 1,
            "maxProperties": UPLOAD_MAX,
            "propertyNames": {"pattern": ID_PATTERN},
            "additionalProperties": {
                "type": "string",
                "minLength": 1,
                "maxLength": TEXT_BYTES_MAX,
                "description": f"At most {TEXT_BYTES_MAX} bytes as UTF-8.",
            },
        }
    ),
]


class DocumentsUpload(Wire):
    """Texts to trust, each under `sha256:` and the SHA-256 of its UTF-8 bytes."""

    model_config = example(documents={document_id_of(_EXAMPLE): _EXAMPLE})

    documents: Documents
    reseller_id: Annotated[
        ResellerRef | None, Field(description="Whose they become; null: your own.")
    ] = None

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:
        """Each id is the digest of its text; what is no text is told by its type."""
        given = body.get("documents")
        if isinstance(given, dict):
            texts = {name: text for name, text in given.items() if isinstance(text, str)}
            if texts or not given:
                yield from upload_faults(texts)


class DocumentsQuery(PageQuery):
    """Which documents to list."""

    kind: ClassVar[IdKind] = IdKind.DOCUMENT

    reseller_id: Annotated[ResellerRef | None, Field(description="Of this reseller only.")] = None


class DocumentRemoveQuery(ChangeQuery):
    """Whose document to remove."""

    reseller_id: Annotated[
        ResellerRef | None, Field(description="That of this reseller, not your own.")
    ] = None


class TrustedDocumentOut(Out, frozen=True, kw_only=True):
    """A text that may be sent by its id. `reseller_id` null: the operator's, for everybody."""

    id: str
    object: str = "trusted_document"
    reseller_id: str | None
    bytes: int
    text: str
    created_at: Time


class RemovedDocumentOut(Out, frozen=True, kw_only=True):
    """A text that is trusted no more."""

    id: str
    reseller_id: str | None
    bytes: int


class UploadedDocumentsOut(Out, frozen=True, kw_only=True):
    """How many texts are new, and how many were there already."""

    added: int
    present: int


@put(
    "/v1/trusted-documents",
    needs=Permission.CLIENTS_WRITE,
    raises=(NotFound, QuotaExceeded),
    may_create=False,
)
async def upload_documents(
    context: Context, body: DocumentsUpload
) -> Outcome[UploadedDocumentsOut]:
    """Trust these GraphQL texts from now on. Safe to repeat; nothing is taken away."""
    uploaded = await documents.upload_documents(
        context, body.documents, reseller_id=body.reseller_id
    )
    return mapped(uploaded, uploaded_out)


@get("/v1/trusted-documents", needs=Permission.CLIENTS_READ)
async def list_documents(context: Context, query: DocumentsQuery) -> Page[TrustedDocumentOut]:
    """List your trusted documents and those of your sub-resellers, newest first."""
    found = await documents.list_documents(context, query.page, query.reseller_id)
    return mapped_page(found, document_out)


@delete("/v1/trusted-documents/{document_id}", needs=Permission.CLIENTS_WRITE, raises=(NotFound,))
async def remove_document(
    context: Context, document_id: DocumentId, query: DocumentRemoveQuery
) -> Outcome[None]:
    """Trust a document no more. Other processes may take it for 30 seconds longer."""
    return mapped(await removed_document(context, document_id, query), lambda _: None)


async def removed_document(
    context: Context, document_id: DocumentId, query: DocumentRemoveQuery
) -> Outcome[RemovedDocumentOut]:
    """Trust a document no more, and return which one it was."""
    removed = await documents.remove_document(context, document_id, reseller_id=query.reseller_id)
    return mapped(removed, removed_out)


def document_out(document: TrustedDocument) -> TrustedDocumentOut:
    """Return the public shape of *document*."""
    return TrustedDocumentOut(
        id=document.id,
        reseller_id=document.reseller_id,
        bytes=document.size_bytes,
        text=document.text,
        created_at=document.created_at,
    )


def uploaded_out(uploaded: Uploaded) -> UploadedDocumentsOut:
    """Return the public shape of what came of an upload."""
    return UploadedDocumentsOut(added=uploaded.added, present=uploaded.present)


def removed_out(removed: RemovedDocument) -> RemovedDocumentOut:
    """Return the public shape of a document that is gone."""
    return RemovedDocumentOut(
        id=removed.document_id, reseller_id=removed.reseller_id, bytes=removed.size_bytes
    )
