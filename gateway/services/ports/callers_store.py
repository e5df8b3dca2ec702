"""How services reach those who call: resellers, their keys, clients and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from gateway.domain.clients import Client
    from gateway.domain.documents import DocumentId, TrustedDocument
    from gateway.domain.ids import ClientId, KeyId, ResellerId
    from gateway.domain.keys import Key
    from gateway.domain.paging import Page, PageRequest
    from gateway.domain.resellers import Reseller


class Resellers(Protocol):
    """Resellers of the scope: a reseller sees itself and those below it."""

    async def get(self, reseller_id: ResellerId) -> Reseller:
        """Return a reseller. Raises NotFound."""

    async def is_suspended(self, owner_path: str) -> bool:
        """Tell whether a reseller on this path, itself or one above, is suspended."""

    async def list(self, page: PageRequest) -> Page[Reseller]:
        """Return resellers, newest first."""

    async def add(self, reseller: Reseller) -> None:
        """Insert."""

    async def save(self, reseller: Reseller, *, expected_version: int | None = None) -> None:
        """Write the whole row. Raises NotFound, VersionMismatch."""

    async def lock(self, reseller_id: ResellerId) -> None:
        """Make others who lock it wait until the transaction ends; for counting quotas."""


class Keys(Protocol):
    """API keys of the scope."""

    async def get(self, key_id: KeyId) -> Key:
        """Return a key. Raises NotFound."""

    async def find_by_digest(self, digest: bytes) -> Key | None:
        """Return the key whose secret has this SHA-256, revoked and expired ones too."""

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Key]:
        """Return keys, newest first."""

    async def add(self, key: Key, digest: bytes) -> None:
        """Insert with the SHA-256 of the secret."""

    async def revoke(self, key_id: KeyId, at: datetime) -> None:
        """Set revoked_at once. Raises NotFound."""

    async def touch(self, key_id: KeyId, at: datetime) -> None:
        """Note the last use."""


class Clients(Protocol):
    """OAuth clients of the scope."""

    async def get(self, client_id: ClientId) -> Client:
        """Return a client. Raises NotFound."""

    async def find(self, client_id: ClientId) -> Client | None:
        """Return a client, revoked ones too; who authenticates one asks in the system's scope."""

    async def origins(self) -> frozenset[str]:
        """Return the origins of all that are not revoked, each once."""

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Client]:
        """Return clients, newest first."""

    async def add(self, client: Client) -> None:
        """Insert."""

    async def save(self, client: Client, *, expected_version: int | None = None) -> None:
        """Write the whole row, but neither whose it is nor its last use.

        Raises:
            NotFound
            VersionMismatch: *expected_version* is given and no longer the present one.
        """

    async def touch(self, client_id: ClientId, at: datetime) -> None:
        """Note the last use."""


class TrustedDocuments(Protocol):
    """Trusted documents of the scope."""

    async def get(self, owner_path: str, document_id: DocumentId) -> TrustedDocument:
        """Return this owner's own document. Raises NotFound."""

    async def find_for_caller_at(
        self, owner_path: str, document_id: DocumentId
    ) -> TrustedDocument | None:
        """Return the document as the owner itself, one above it or the operator has it.

        Whoever asks for another than its own owner path must have the system's scope.
        """

    async def list(
        self, page: PageRequest, reseller_id: ResellerId | None
    ) -> Page[TrustedDocument]:
        """Return documents, newest first; with *reseller_id* only those of that reseller."""

    async def known(self, owner_path: str, document_ids: Collection[str]) -> frozenset[DocumentId]:
        """Return which of these the owner has itself."""

    async def count(self, owner_path: str) -> int:
        """Return how many the owner has itself."""

    async def lock(self, owner_path: str) -> None:
        """Make others who lock this owner's documents wait until the transaction ends."""

    async def add(self, documents: Sequence[TrustedDocument]) -> None:
        """Insert all of them; the owner has none of them yet, which `lock` keeps so."""

    async def delete(self, owner_path: str, document_id: DocumentId) -> None:
        """Remove this owner's own. Raises NotFound."""
