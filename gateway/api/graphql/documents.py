"""Trusted documents. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.names import members
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.shown import Shown
from gateway.api.rest import documents as rest
from gateway.domain.paging import Page
from gateway.services import documents


@strawberry.type(description="A GraphQL text that may be sent by its id.")
class TrustedDocument(Shown):
    """A GraphQL text that may be sent by its id."""

    out = rest.TrustedDocumentOut

    id: strawberry.ID = about("`sha256:` and the SHA-256 of its UTF-8 bytes.")
    reseller_id: strawberry.ID | None = about("Whose it is; null: the operator's, for everybody.")
    bytes: int = about("Its length, as UTF-8.")
    text: str = about("The text.")
    created_at: datetime = about("When it was uploaded.")


@strawberry.type(description="What came of an upload.")
class UploadedDocuments(Shown):
    """What came of an upload."""

    out = rest.UploadedDocumentsOut

    added: int = about("How many texts are new.")
    present: int = about("How many were there already.")


@strawberry.type(description="A GraphQL text that is trusted no more.")
class RemovedDocument(Shown):
    """A GraphQL text that is trusted no more."""

    out = rest.RemovedDocumentOut

    id: strawberry.ID = about("Its id.")
    reseller_id: strawberry.ID | None = about("Whose it was.")
    bytes: int = about("Its length, as UTF-8.")


@strawberry.input(description="A GraphQL text to trust.")
class TrustedDocumentInput:
    """A GraphQL text to trust."""

    id: strawberry.ID = about("`sha256:` and the SHA-256 of its UTF-8 bytes, in lower-case hex.")
    text: str = about("The text, at most 64 KiB.")


@strawberry.input(description="GraphQL texts to trust from now on; nothing is taken away.")
class UploadTrustedDocumentsInput:
    """GraphQL texts to trust."""

    documents: list[TrustedDocumentInput] = about("The texts, 1 to 500.")
    reseller_id: strawberry.ID | None = given("Whose they become; null: your own.")

    def to_body(self) -> dict[str, Any]:
        """Return the upload as REST has it: the texts by their ids, in one mapping."""
        body = members(self)
        body["documents"] = {each["id"]: each["text"] for each in body["documents"]}
        return body


@strawberry.input(description="Which GraphQL text to trust no more.")
class RemoveTrustedDocumentInput:
    """Which GraphQL text to trust no more."""

    document_id: strawberry.ID = about("Which one.")
    reseller_id: strawberry.ID | None = given("Whose; null: your own.")


@strawberry.input(description="Which documents; what is left out does not narrow.")
class TrustedDocumentFilter:
    """Which documents."""

    reseller_id: strawberry.ID | None = given("Of this reseller.")


@strawberry.type
class DocumentQueries:
    """What can be asked of trusted documents."""

    @field
    async def trusted_documents(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[TrustedDocumentFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[TrustedDocument]:
        """Your trusted documents and those of your sub-resellers, newest first."""

        async def fetch(query: rest.DocumentsQuery) -> Page[Any]:
            return await documents.list_documents(
                info.context.reading, query.page, query.reseller_id
            )

        return await connection(
            rest.DocumentsQuery,
            first,
            after,
            filter,
            fetch,
            place_of=lambda document: document.entry_id,
            show=rest.document_out,
        )
