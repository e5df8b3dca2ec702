"""The door: every read and every change, from whichever edge or worker, comes through here.

`@action` checks the permission, fixes the scope and keeps the audit log of refusals. Storefronts
get through where the action says so, and only to what they are bound to. Inside, a service function
has an `Action`: `read()` and `write()` for our own data; changes of a panel go through
`services.changes.carry_out`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, auto
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from gateway.domain.audit import AuditEntry, Phase
from gateway.domain.caller import CallerKind, Permission
from gateway.domain.errors import NotFound, PermissionDenied, Refusal, VersionMismatch
from gateway.domain.ids import IdKind, kind_of
from gateway.domain.operations import Asker
from gateway.services.audit_log import Owner, new_entry
from gateway.services.context import Context, Ports
from gateway.services.ports.store import Store
from gateway.services.scope import Scope, scope_of, system_scope
from gateway.telemetry.request_log import note

P = ParamSpec("P")
R = TypeVar("R")

#: Attribute of a service function that holds its `ActionSpec`; tests count them.
SPEC: Final = "__action_spec__"

#: What a storefront is bound to one of.
_BOUND_KINDS: Final = frozenset({IdKind.LINE, IdKind.DEVICE})


class Subscriber(Enum):
    """Whether the storefront of a subscriber may do something, with its own line or device."""

    MAY_NOT = auto()
    MAY = auto()
    #: If the policy of its reseller has the action's verb among `subscriber_may`.
    IF_POLICY_ALLOWS = auto()


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """What the door knows of a service function. `needs` None: any caller."""

    name: str
    needs: Permission | None
    is_audited: bool
    subscriber: Subscriber = Subscriber.MAY_NOT

    @property
    def verb(self) -> str:
        """Return what is done, such as `rotate_password`: the word that policies use."""
        return self.name.partition(".")[2]


class Action:
    """One pass through the door: who, what, and the only ways to data and panels."""

    def __init__(self, context: Context, spec: ActionSpec) -> None:
        self.context = context
        self.spec = spec
        self.scope: Scope = scope_of(context.caller)

    @property
    def ports(self) -> Ports:
        """Return what services reach outside."""
        return self.context.ports

    @property
    def asker(self) -> Asker:
        """Return who asks, in the form that operations and audit entries keep."""
        caller = self.context.caller
        return Asker(
            caller_kind=caller.kind,
            caller_id=caller.id,
            key_id=caller.key_id,
            ip=self.context.ip,
            request_id=self.context.request_id,
            chain=caller.chain,
        )

    def read(self) -> AbstractAsyncContextManager[Store]:
        """Return a read-only transaction of the caller's scope."""
        return self.ports.database.read(self.scope)

    def write(self) -> AbstractAsyncContextManager[Store]:
        """Return a transaction of the caller's scope.

        Raises:
            ServiceUnavailable: the process is stopping; workers still finish what they have begun.
        """
        if self.context.caller.kind is not CallerKind.SYSTEM:
            self.ports.lifecycle.refuse_changes_at_the_end()
        return self.ports.database.write(self.scope)

    def entry(  # noqa: PLR0913 - an audit entry has that many parts
        self,
        phase: Phase,
        *,
        resource_id: str | None,
        owner: Owner | None = None,
        operation_id: str | None = None,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        code: str | None = None,
        name: str | None = None,
    ) -> AuditEntry:
        """Return an audit entry of this action; *owner* None: it belongs to the caller.

        *name* is that of the kind, where the action may lead to several (a put creates or updates).
        """
        caller = self.context.caller
        return new_entry(
            self.ports,
            phase,
            name or self.spec.name,
            asker=self.asker,
            owner=owner or Owner(caller.reseller_id, caller.owner_path),
            resource_id=resource_id,
            operation_id=operation_id,
            before=before,
            after=after,
            code=code,
        )

    def check_permission(self) -> None:
        """Refuse a caller who lacks the permission, or changes while suspended.

        Raises:
            PermissionDenied
        """
        caller = self.context.caller
        if self.spec.needs is not None and not caller.may(self.spec.needs):
            raise PermissionDenied(f"This needs the permission {self.spec.needs}.")
        if self.spec.is_audited and caller.suspended:
            raise PermissionDenied("This reseller is suspended.")

    async def check_bounds(self, values: tuple[object, ...]) -> None:
        """Hold a storefront to what it is bound to; anybody else passes.

        Args:
            values: what the action is called with.

        Raises:
            PermissionDenied: storefronts may not do this, or not under this reseller's policy.
            NotFound: another line or device is named, whether it exists or not.
        """
        caller = self.context.caller
        if caller.kind is not CallerKind.STOREFRONT:
            return
        if self.spec.subscriber is Subscriber.MAY_NOT:
            raise PermissionDenied("A storefront token is not for this.")
        for value in values:
            if kind_of(value) in _BOUND_KINDS and value != caller.resource_id:
                raise NotFound("There is no such thing.")
        if self.spec.subscriber is Subscriber.IF_POLICY_ALLOWS:
            await self._check_policy()

    async def _check_policy(self) -> None:
        """Look up whether the policy of the line's reseller lets its subscribers do this.

        What is the operator's own has no policy, and so no limit of one.
        """
        reseller_id = self.context.caller.reseller_id
        if reseller_id is None:
            return
        # A bound scope does not have the reseller, and its subscriber has no business to see it.
        async with self.ports.database.read(system_scope()) as store:
            reseller = await store.resellers.get(reseller_id)
        if self.spec.verb not in reseller.policy.subscriber_may:
            raise PermissionDenied("The policy of this reseller does not allow it to subscribers.")

    def check_version(self, version: int) -> None:
        """Hold If-Match against the resource's present *version*.

        Raises:
            VersionMismatch
        """
        wanted = self.context.if_version
        if wanted is not None and wanted != version:
            raise VersionMismatch(f"The present version is {version}, not {wanted}.")

    async def record_refusal(self, error: Refusal, resource_id: str | None) -> None:
        """Append `denied`, or `failed` with the code; once per refusal.

        A refusal that carries an operation id was recorded with the operation; a dry run leaves
        nothing behind but a denial.
        """
        denied = isinstance(error, PermissionDenied)
        if not denied and (error.operation_id is not None or self.context.dry_run):
            return
        phase = Phase.DENIED if denied else Phase.FAILED
        async with self.ports.database.write(self.scope) as store:
            await store.audit.append(self.entry(phase, resource_id=resource_id, code=error.code))


Service = Callable[Concatenate[Action, P], Awaitable[R]]
Door = Callable[Concatenate[Context, P], Awaitable[R]]


def action(
    name: str,
    *,
    needs: Permission | None,
    is_audited: bool = False,
    subscriber: Subscriber = Subscriber.MAY_NOT,
) -> Callable[[Service[P, R]], Door[P, R]]:
    """Make a service function out of what happens behind the door.

    Args:
        name: `noun.verb`, as it stands in the audit log.
        needs: the permission; None lets every caller in.
        is_audited: changes and reads of secrets: their refusals go into the audit log, and the
            function itself records what it did.
        subscriber: whether storefronts may do it; unless it says so, they may not.
    """
    spec = ActionSpec(name, needs, is_audited, subscriber)

    def decorate(service: Service[P, R]) -> Door[P, R]:
        @wraps(service)
        async def door(context: Context, /, *args: P.args, **kwargs: P.kwargs) -> R:
            act = Action(context, spec)
            note(action=spec.name)
            try:
                act.check_permission()
                await act.check_bounds((*args, *kwargs.values()))
                return await service(act, *args, **kwargs)
            except Refusal as error:
                if spec.is_audited and not error.replayed:
                    await act.record_refusal(error, _resource_of((*args, *kwargs.values())))
                raise

        setattr(door, SPEC, spec)
        return door

    return decorate


def _resource_of(values: tuple[object, ...]) -> str | None:
    """Return the id that the caller named, by its shape."""
    return next((value for value in values if isinstance(value, str) and kind_of(value)), None)
