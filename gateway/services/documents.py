"""Trusted documents: upload, list, remove, and find one by its id.

They belong to storefront clients, so the permissions of clients are asked for (ADR 0027).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.documents import (
    OWNED_MAX,
    DocumentId,
    RemovedDocument,
    TrustedDocument,
    Uploaded,
    is_document_id,
    upload_faults,
)
from gateway.domain.errors import InvalidRequest, NotFound, QuotaExceeded
from gateway.domain.ids import IdKind, ResellerId, new_id
from gateway.domain.paging import Page, PageRequest
from gateway.services.action import Action, Subscriber, action
from gateway.services.audit_log import Owner
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.ownership import owner_named
from gateway.services.ports.store import Store
from gateway.services.records import facts_of
from gateway.services.scope import system_scope


@action("document.upload", needs=Permission.CLIENTS_WRITE, is_audited=True)
async def upload_documents(
    act: Action,
    documents: Mapping[str, str],
    *,
    reseller_id: ResellerId | None = None,
) -> Outcome[Uploaded]:
    """Keep texts by their ids, 1 to 500 at once. Safe to repeat: what is there stays as it is.

    Args:
        documents: id -> text.
        reseller_id: whose they become; None: the caller's own reseller, or for operators everybody.

    Raises:
        InvalidRequest: an id is not its text's, a text is empty, too large or faulty; all at once.
        NotFound: there is no such reseller.
        QuotaExceeded: the owner would have more than 5,000.
    """
    faults = tuple(upload_faults(documents, act.ports.find_document_fault))
    if faults:
        raise InvalidRequest("The documents cannot be taken as they are.", faults=faults)

    async def change(store: Store) -> Uploaded:
        owner = await owner_named(store, act.context.caller, reseller_id)
        await store.documents.lock(owner.path)
        known = await store.documents.known(owner.path, documents.keys())
        new = [_made(act, owner, name, documents[name]) for name in documents if name not in known]
        if new:
            await _check_quota(store, owner, len(new))
            await store.documents.add(new)
            after = {"documents": [document.id for document in new]}
            await store.audit.append(
                act.entry(Phase.SUCCEEDED, resource_id=None, owner=owner, after=after)
            )
        return Uploaded(added=len(new), present=len(known))

    return await write_once(act, Uploaded, change)


def _made(act: Action, owner: Owner, name: str, text: str) -> TrustedDocument:
    now = act.ports.clock.now()
    return TrustedDocument(
        id=DocumentId(name),
        entry_id=new_id(IdKind.DOCUMENT, now, act.ports.random.bytes),
        text=text,
        reseller_id=owner.reseller_id,
        owner_path=owner.path,
        created_at=now,
    )


async def _check_quota(store: Store, owner: Owner, more: int) -> None:
    count = await store.documents.count(owner.path)
    if count + more > OWNED_MAX:
        raise QuotaExceeded(
            f"{count} trusted documents are there and {more} would come; at most {OWNED_MAX:,}."
        )


@action("document.list", needs=Permission.CLIENTS_READ)
async def list_documents(
    act: Action, page: PageRequest, reseller_id: ResellerId | None = None
) -> Page[TrustedDocument]:
    """Return the documents of the scope, newest first; of one reseller only where given."""
    async with act.read() as store:
        return await store.documents.list(page, reseller_id)


@action("document.remove", needs=Permission.CLIENTS_WRITE, is_audited=True)
async def remove_document(
    act: Action, document_id: str, *, reseller_id: ResellerId | None = None
) -> Outcome[RemovedDocument]:
    """Remove one document of the caller's own, or of *reseller_id*'s own.

    Another process may still find it for `document_memory.SECONDS`.

    Raises:
        NotFound: that owner itself has no such document, or there is no such reseller.
    """
    name = DocumentId(document_id)
    owner: Owner | None = None  # Stays None where an earlier answer is given again.

    async def change(store: Store) -> RemovedDocument:
        nonlocal owner
        owner = await owner_named(store, act.context.caller, reseller_id)
        document = await store.documents.get(owner.path, name)
        await store.documents.delete(owner.path, name)
        removed = RemovedDocument(
            document_id=name, reseller_id=owner.reseller_id, size_bytes=document.size_bytes
        )
        before = facts_of(removed, act.ports.sealer)
        await store.audit.append(
            act.entry(Phase.SUCCEEDED, resource_id=None, owner=owner, before=before)
        )
        return removed

    outcome = await write_once(act, RemovedDocument, change)
    if outcome.dry_run is not None:
        plan = outcome.dry_run
        return replace(outcome, dry_run=replace(plan, before=plan.after, after=None))
    if owner is not None:
        act.ports.documents.forget(owner.path, name)
    return outcome


@action("document.find", needs=None, subscriber=Subscriber.MAY)
async def find_document(act: Action, document_id: str) -> str:
    """Return the text that any caller may send by this id.

    It is the caller's own, that of a reseller above it, or the operator's; never that of one
    below or beside. For an operator it is the operator's own.

    Raises:
        NotFound: there is no such document for this caller.
    """
    name, owner_path = DocumentId(document_id), act.context.caller.owner_path
    memory, now = act.ports.documents, act.ports.clock.monotonic()
    text = memory.find(owner_path, name, now)
    if text is not None:
        return text
    found, epoch = None, memory.epoch
    if is_document_id(document_id):
        # The caller's scope does not reach upwards; the method names every path that it looks at.
        async with act.ports.database.read(system_scope()) as store:
            found = await store.documents.find_for_caller_at(owner_path, name)
    if found is None:
        raise NotFound("There is no such document.")
    memory.keep(found, now, epoch=epoch)
    return found.text
