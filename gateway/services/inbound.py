"""Inbound sources: make, list, change, rotate, remove; and the log of what their events did.

Whoever holds a source's secret, or writes its rules, changes lines and devices with it. So that can
only be given by a caller who may do so itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.calls import UNCHANGED
from gateway.domain.errors import Fault, InvalidRequest
from gateway.domain.ids import IdKind, ResellerId, SourceId, new_id
from gateway.domain.inbound import (
    OVERLAP_SECONDS,
    OVERLAP_SECONDS_MAX,
    SECRETS_MAX,
    InboundEvent,
    NewSource,
    RemovedSource,
    Rules,
    Source,
    SourceChanges,
    SourceKind,
    SourceSecret,
    rules_of,
    secret_fault,
)
from gateway.domain.inbound_ready import READY
from gateway.domain.inbound_rules import ResourceKind, RuleAction, rule_faults
from gateway.domain.paging import Page, PageRequest
from gateway.domain.secrets import Secret
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.ownership import check_givable, owner_named
from gateway.services.ports.store import Store
from gateway.services.records import differences, facts_of


@action("inbound_source.create", needs=Permission.INBOUND_WRITE, is_audited=True)
async def create_source(act: Action, new: NewSource) -> Outcome[Source]:
    """Make a source; its secrets are in no answer.

    Raises:
        PermissionDenied: its rules do what the caller may not.
        NotFound: there is no such reseller.
        InvalidRequest: a secret or a rule cannot be one.
    """
    _refuse_faults(new.kind, new.secrets, new.rules)

    async def change(store: Store) -> Source:
        now = act.ports.clock.now()
        owner = await owner_named(store, act.context.caller, new.reseller_id)
        check_givable(act.context.caller, _permissions(new.rules), owner.reseller_id)
        source = Source(
            id=SourceId(new_id(IdKind.SOURCE, now, act.ports.random.bytes)),
            kind=new.kind,
            reseller_id=owner.reseller_id,
            owner_path=owner.path,
            secrets=tuple(SourceSecret(value=each, added_at=now) for each in new.secrets),
            rules=new.rules,
            version=1,
            created_at=now,
            updated_at=now,
        )
        await store.inbound_sources.add(source)
        await _record(act, store, None, source)
        return source

    return await write_once(act, Source, change)


@action("inbound_source.read", needs=Permission.INBOUND_READ)
async def get_source(act: Action, source_id: SourceId) -> Source:
    """Return a source of the scope.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.inbound_sources.get(source_id)


@action("inbound_source.list", needs=Permission.INBOUND_READ)
async def list_sources(
    act: Action, page: PageRequest, reseller_id: ResellerId | None
) -> Page[Source]:
    """Return sources, newest first; of one reseller only where *reseller_id* is given."""
    async with act.read() as store:
        return await store.inbound_sources.list(page, reseller_id)


@action("inbound_source.list_events", needs=Permission.INBOUND_READ)
async def list_source_events(
    act: Action, source_id: SourceId, page: PageRequest
) -> Page[InboundEvent]:
    """Return what became of a source's events of the last 30 days, newest first.

    Raises:
        NotFound
    """
    async with act.read() as store:
        await store.inbound_sources.get(source_id)
        return await store.inbound_events.list(page, source_id)


@action("inbound_source.update", needs=Permission.INBOUND_WRITE, is_audited=True)
async def change_source(
    act: Action, source_id: SourceId, changes: SourceChanges
) -> Outcome[Source]:
    """Merge a patch. Secrets are replaced at once; `rotate_source_secret` lets them overlap.

    Raises:
        NotFound, VersionMismatch
        PermissionDenied: its rules do what the caller may not.
        InvalidRequest: a secret or a rule cannot be one.
    """

    async def change(store: Store) -> Source:
        before = await store.inbound_sources.get(source_id)
        act.check_version(before.version)
        after = before
        if changes.rules is not UNCHANGED:
            after = replace(after, rules=changes.rules)
        if changes.secrets is not UNCHANGED:
            now = act.ports.clock.now()
            added = tuple(SourceSecret(value=each, added_at=now) for each in changes.secrets)
            after = replace(after, secrets=added)
        _refuse_faults(after.kind, tuple(each.value for each in after.secrets), after.rules)
        check_givable(act.context.caller, _permissions(after.rules), after.reseller_id)
        return await _save(act, store, before, after)

    return await write_once(act, Source, change)


@action("inbound_source.rotate_secret", needs=Permission.INBOUND_WRITE, is_audited=True)
async def rotate_source_secret(
    act: Action, source_id: SourceId, secret: Secret, *, overlap_seconds: int = OVERLAP_SECONDS
) -> Outcome[Source]:
    """Add a secret; the present ones stay good for *overlap_seconds*, 0 to 604,800.

    Raises:
        NotFound, VersionMismatch
        PermissionDenied: its rules do what the caller may not.
        InvalidRequest: the secret cannot be one, or *overlap_seconds* is out of range.
    """
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        detail = f"This must be 0 to {OVERLAP_SECONDS_MAX}."
        raise InvalidRequest(detail, faults=(Fault("/overlap_seconds", "out_of_range", detail),))

    async def change(store: Store) -> Source:
        before = await store.inbound_sources.get(source_id)
        act.check_version(before.version)
        if fault := secret_fault(before.kind, secret.reveal()):
            raise InvalidRequest(fault, faults=(Fault("/secret", "not_allowed", fault),))
        check_givable(act.context.caller, _permissions(before.rules), before.reseller_id)
        now = act.ports.clock.now()
        end = now + timedelta(seconds=overlap_seconds)
        kept = [
            each if each.ends_at is not None and each.ends_at < end else replace(each, ends_at=end)
            for each in before.secrets
            if each.ends_at is None or each.ends_at > now
        ]
        newest = SourceSecret(value=secret, added_at=now)
        secrets = (newest, *(each for each in kept if overlap_seconds))[:SECRETS_MAX]
        return await _save(act, store, before, replace(before, secrets=secrets))

    return await write_once(act, Source, change)


@action("inbound_source.remove", needs=Permission.INBOUND_WRITE, is_audited=True)
async def remove_source(act: Action, source_id: SourceId) -> Outcome[RemovedSource]:
    """Take nothing more from a source, and forget its events and what they still wanted.

    Raises:
        NotFound
    """

    async def change(store: Store) -> RemovedSource:
        before = await store.inbound_sources.get(source_id)
        await store.inbound_sources.delete(source_id)
        old = facts_of(before, act.ports.sealer)
        await store.audit.append(
            act.entry(Phase.SUCCEEDED, resource_id=source_id, owner=_owner(before), before=old)
        )
        return RemovedSource(id=source_id, reseller_id=before.reseller_id)

    return await write_once(act, RemovedSource, change)


async def _save(act: Action, store: Store, before: Source, after: Source) -> Source:
    if after == before:
        return before
    after = replace(after, version=before.version + 1, updated_at=act.ports.clock.now())
    await store.inbound_sources.save(after, expected_version=before.version)
    await _record(act, store, before, after)
    return after


async def _record(act: Action, store: Store, before: Source | None, after: Source) -> None:
    old, new = differences(before, after, act.ports.sealer)
    await store.audit.append(
        act.entry(Phase.SUCCEEDED, resource_id=after.id, owner=_owner(after), before=old, after=new)
    )


def _owner(source: Source) -> Owner:
    return Owner(source.reseller_id, source.owner_path)


def _permissions(rules: Rules) -> frozenset[Permission]:
    """Return what the rules do to lines and devices."""
    acting = [rule for rule in rules_of(rules) if rule.action is not RuleAction.NONE]
    writes = {
        ResourceKind.LINE: Permission.LINES_WRITE,
        ResourceKind.DEVICE: Permission.DEVICES_WRITE,
    }
    return frozenset(writes[rule.resource] for rule in acting)


def _refuse_faults(kind: SourceKind, secrets: tuple[Secret, ...], rules: Rules) -> None:
    """Hold what any edge hands in against the rules.

    Raises:
        InvalidRequest
    """
    faults = [
        Fault(f"/secrets/{place}", "not_allowed", fault)
        for place, secret in enumerate(secrets)
        if (fault := secret_fault(kind, secret.reveal()))
    ]
    if not 1 <= len(secrets) <= SECRETS_MAX:
        detail = f"Give 1 to {SECRETS_MAX} secrets."
        faults.append(Fault("/secrets", "out_of_range", detail))
    faults += rules_faults(rules)
    if faults:
        raise InvalidRequest("The source cannot be as it is described.", faults=tuple(faults))


def rules_faults(rules: object) -> tuple[Fault, ...]:
    """Return what is wrong with what is given as rules: a name, or a list."""
    if not isinstance(rules, str):
        return rule_faults(rules)
    if rules in READY:
        return ()
    detail = f"The ready sets are: {', '.join(READY)}."
    return (Fault("/rules", "unknown_value", detail),)
