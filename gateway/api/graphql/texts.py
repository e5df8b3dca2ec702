"""What a request asks to run: the text that it sends, or the trusted document that it names."""

from __future__ import annotations

from typing import Final

import structlog

from gateway.api.graphql.request import GraphqlRequest
from gateway.domain.documents import DocumentsMode, DocumentsModes, document_id_of, documents_mode
from gateway.domain.errors import NotFound, PermissionDenied
from gateway.services import documents
from gateway.services.context import Context

_log: Final = structlog.get_logger("gateway.graphql")


async def text_of(request: GraphqlRequest, context: Context, modes: DocumentsModes) -> str:
    """Return the text to run.

    A text is as good as the id that it has: where documents are required, one that was uploaded
    may be sent in full as well.

    Raises:
        NotFound: there is no such document for this caller.
        PermissionDenied: this caller may send trusted documents only, and this is none.
    """
    if request.document_id is not None:
        return await documents.find_document(context, request.document_id)
    text = request.query or ""
    mode = documents_mode(context.caller, modes)
    if mode is not DocumentsMode.OPEN:
        document_id = document_id_of(text)
        try:
            await documents.find_document(context, document_id)
        except NotFound:
            if mode is DocumentsMode.REQUIRED:
                detail = "Only trusted documents may be sent: upload it, and send its documentId."
                raise PermissionDenied(detail) from None
            _log.info(
                "document.untrusted",
                document_id=document_id,
                caller_id=context.caller.id,
                key_id=context.caller.key_id,
            )
    return text
