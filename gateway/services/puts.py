"""Put: make a line or a device under the caller's own id, or bring the one there in step.

Level-triggered: the body says how it should be, so repeating it changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from gateway.domain.calls import UNCHANGED
from gateway.domain.errors import ExternalIdTaken
from gateway.domain.ids import ResellerId
from gateway.domain.subscriptions import Changes, NewSubscription, Status
from gateway.services.action import Action
from gateway.services.change import ChangeKind, ChangeRequest, named
from gateway.services.changes import answer_of, carry_out
from gateway.services.codec import pack, unpack
from gateway.services.context import DryRun, Outcome
from gateway.services.create import CreateKind
from gateway.services.idempotency import find_kept, keep
from gateway.services.noun import ObservedT, ResourceT

NewT = TypeVar("NewT", bound=NewSubscription)
Made = TypeVar("Made")

_COMPARED: Final = (
    "max_connections",
    "bouquet_ids",
    "is_trial",
    "is_restreamer",
    "allowed_ips",
    "notes",
)
#: Here None means that the caller did not say.
_OPERATORS: Final = ("force_server_id", "isp_lock", "admin_notes", "member_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Generic[NewT, ResourceT, ObservedT, Made]):
    """How one noun is put.

    `observe` reads the present one, `made` turns it into the answer of a creation, `conflicts`
    raises StateConflict for what a put cannot change (the name, the panel).
    """

    create: CreateKind[NewT, ResourceT, ObservedT, Any, Made]
    change: ChangeKind[ResourceT, ObservedT]
    observe: Callable[[Action, ResourceT], Awaitable[ObservedT]]
    made: Callable[[ObservedT], Made]
    conflicts: Callable[[ResourceT, NewT], None]

    async def carry_out(self, action: Action, new: NewT) -> Outcome[Made]:
        """Create or change; see the module.

        Raises:
            StateConflict: the body names another username, MAC or panel than the one there.
            GatewayError: as creating and changing.
        """
        replayed = await self._replayed(action)
        if replayed is not None:
            return replayed
        present = await self._find(action, new)
        if present is None:
            action.check_version(0)  # If-Match names a version of something: it is not there.
            try:
                outcome = await carry_out(action, self.create, new)
                return replace(outcome, created=True)
            except ExternalIdTaken:
                present = await self._find(action, new)
                if present is None:
                    raise
        action.check_version(present.version)
        self.conflicts(present, new)
        return await self._change(action, present, new)

    async def _find(self, action: Action, new: NewT) -> ResourceT | None:
        reseller_id = action.context.caller.reseller_id or new.reseller_id
        async with action.read() as store:
            rows = self.create.noun.rows(store)
            owner = None if reseller_id is None else ResellerId(reseller_id)
            return await rows.find_by_external_id(owner, str(new.external_id))

    async def _change(self, action: Action, present: ResourceT, new: NewT) -> Outcome[Made]:
        if present.status is not Status.LIVE:
            return await self._open(action, present)
        changes = differing(present, new)
        if not named(changes):
            return await self._as_it_is(action, present)
        request = ChangeRequest(
            resource_id=self.create.noun.id_of(present), changes=changes, sets_term=True
        )
        outcome = await carry_out(action, self.change, request)
        return self._answer(outcome)

    async def _open(self, action: Action, present: ResourceT) -> Outcome[Made]:
        """Answer with the creation that is not settled yet: it is neither done nor in step.

        Raises:
            StateConflict: there is none; it cannot be changed as it is.
        """
        async with action.read() as store:
            operation = await store.operations.find_open(self.create.noun.id_of(present))
        if operation is None:
            present.must_be_changeable()
        return Outcome(value=None, operation=operation)

    async def _as_it_is(self, action: Action, present: ResourceT) -> Outcome[Made]:
        """Answer with what is there already; the request's key is kept all the same."""
        if action.context.dry_run:
            return Outcome(value=None, dry_run=DryRun(before=None, after=None, panel_calls=()))
        observed = await self.observe(action, present)
        if action.context.idempotency is not None:
            async with action.write() as store:
                await keep(action, store, result=pack(observed))
        return Outcome(value=self.made(observed))

    def _answer(self, outcome: Outcome[ObservedT]) -> Outcome[Made]:
        return Outcome(
            value=None if outcome.value is None else self.made(outcome.value),
            operation=outcome.operation,
            replayed=outcome.replayed,
            dry_run=outcome.dry_run,
        )

    async def _replayed(self, action: Action) -> Outcome[Made] | None:
        """Return the answer of an earlier put with the same Idempotency-Key."""
        kept = None if action.context.dry_run else await find_kept(action)
        if kept is None:
            return None
        if kept.operation_id is None:
            value = unpack(kept.result or b"", self.change.result_type)
            return Outcome(value=self.made(value), replayed=True)
        async with action.read() as store:
            operation = await store.operations.get(kept.operation_id)
        if operation.kind == self.create.name:
            outcome = await answer_of(action, self.create, kept.operation_id)
            return replace(outcome, created=True)
        return self._answer(await answer_of(action, self.change, kept.operation_id))


def differing(present: Any, new: Any) -> Changes:  # noqa: ANN401 - a line or a device, and its body
    """Return the patch that makes *present* what *new* asks.

    A period only says how long a new one lasts: on one that is there it changes nothing.
    """
    changes: dict[str, Any] = {
        name: getattr(new, name)
        for name in _COMPARED
        if getattr(new, name) != getattr(present, name)
    }
    agents = getattr(new, "allowed_user_agents", present.allowed_user_agents)
    if agents != present.allowed_user_agents:
        changes["allowed_user_agents"] = agents
    for name in _OPERATORS:
        wanted = getattr(new, name)
        if wanted is not None and wanted != getattr(present, name):
            changes[name] = wanted
    if any(present.extra.get(name) != text for name, text in (new.extra or {}).items()):
        changes["extra"] = new.extra
    if new.enabled is not None and new.enabled != (present.suspended_by is None):
        changes["enabled"] = new.enabled
    if new.admin_enabled is not None and new.admin_enabled == present.is_banned:
        changes["admin_enabled"] = new.admin_enabled
    if new.metadata != present.metadata:
        gone = dict.fromkeys(set(present.metadata) - set(new.metadata))
        changes["metadata"] = {**new.metadata, **gone}
    return Changes(**changes, expires_at=_expiry(present, new))


def _expiry(present: Any, new: Any) -> Any:  # noqa: ANN401 - as above
    term = new.term
    if term.period is not None:
        return UNCHANGED
    wanted = None if term.expires_at is None else term.expires_at.replace(microsecond=0)
    return UNCHANGED if wanted == present.expires_at else wanted
