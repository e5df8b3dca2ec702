"""Trusted documents: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from gateway.db.repository import Repository, not_found
from gateway.db.rows_documents import TrustedDocumentRow
from gateway.domain.caller import lineage
from gateway.domain.documents import DocumentId, TrustedDocument
from gateway.domain.ids import ResellerId
from gateway.domain.paging import page_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gateway.domain.paging import Page, PageRequest

#: The first of the two numbers of our advisory locks; the second is made of the owner.
_LOCK: Final = 1_684_366_195


class SqlTrustedDocuments(Repository):
    """The port TrustedDocuments."""

    __slots__ = ()

    async def get(self, owner_path: str, document_id: DocumentId) -> TrustedDocument:
        """Return this owner's own document. Raises NotFound."""
        query = sa.select(TrustedDocumentRow).where(*_of(owner_path, document_id))
        return _document_of(await self.one(query))

    async def find_for_caller_at(
        self, owner_path: str, document_id: DocumentId
    ) -> TrustedDocument | None:
        """Return the document as one on the way from the operator down to *owner_path* has it.

        The session must see upwards, so it has the system's scope; the paths named here are what
        keeps out those below and beside. The nearest owner's is taken: the text is the same.
        """
        query = (
            sa.select(TrustedDocumentRow)
            .where(
                TrustedDocumentRow.owner_path.in_(lineage(owner_path)),
                TrustedDocumentRow.id == document_id,
            )
            .order_by(TrustedDocumentRow.owner_path.desc())
            .limit(1)
        )
        row = await self.one_or_none(query)
        return None if row is None else _document_of(row)

    async def list(
        self, page: PageRequest, reseller_id: ResellerId | None
    ) -> Page[TrustedDocument]:
        """Return documents, newest first; with *reseller_id* only those of that reseller."""
        query = sa.select(TrustedDocumentRow)
        if reseller_id is not None:
            query = query.where(TrustedDocumentRow.reseller_id == reseller_id)
        rows = await self.page(query, TrustedDocumentRow.entry_id.expression, page)
        return page_of([_document_of(row) for row in rows], page, id_of="entry_id")

    async def known(self, owner_path: str, document_ids: Collection[str]) -> frozenset[DocumentId]:
        """Return which of these the owner has itself."""
        query = sa.select(TrustedDocumentRow.id).where(
            TrustedDocumentRow.owner_path == owner_path, TrustedDocumentRow.id.in_(document_ids)
        )
        return frozenset(DocumentId(found) for found in await self.session.scalars(query))

    async def count(self, owner_path: str) -> int:
        """Return how many the owner has itself."""
        query = sa.select(sa.func.count(TrustedDocumentRow.id)).where(
            TrustedDocumentRow.owner_path == owner_path
        )
        return await self.session.scalar(query) or 0

    async def lock(self, owner_path: str) -> None:
        """Lock by a number on PostgreSQL; on SQLite a write transaction is alone anyway.

        The operator has no row that could be locked, and a document that is not there yet neither.
        """
        if not (self.writable and self.scope.covers(owner_path, None)):
            raise RuntimeError("only what is one's own is locked, and only to write")
        connection = await self.session.connection()
        if connection.dialect.name == "postgresql":
            number = sa.func.hashtext(owner_path)
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK, number)))

    async def add(self, documents: Sequence[TrustedDocument]) -> None:
        """Insert all of them in as few statements as the database takes."""
        self.session.add_all(
            TrustedDocumentRow(
                owner_path=it.owner_path,
                id=it.id,
                entry_id=it.entry_id,
                reseller_id=it.reseller_id,
                text=it.text,
                created_at=it.created_at,
            )
            for it in documents
        )
        await self.session.flush()

    async def delete(self, owner_path: str, document_id: DocumentId) -> None:
        """Remove this owner's own. Raises NotFound."""
        statement = sa.delete(TrustedDocumentRow).where(*_of(owner_path, document_id))
        if not await self.change(statement):
            raise not_found()


def _of(owner_path: str, document_id: DocumentId) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        TrustedDocumentRow.owner_path == owner_path,
        TrustedDocumentRow.id == document_id,
    )


def _document_of(row: TrustedDocumentRow) -> TrustedDocument:
    return TrustedDocument(
        id=DocumentId(row.id),
        entry_id=row.entry_id,
        text=row.text,
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        created_at=row.created_at,
    )
