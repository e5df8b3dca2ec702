"""renew: move the expiry of a line or a device to an absolute date.

"One month more" becomes a date here, once, from what the panel says; it is stored before anything
is sent, so that sending it again is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.calls import NotOnPanel
from gateway.domain.errors import StateConflict
from gateway.domain.ids import OperationId
from gateway.domain.resellers import Policy
from gateway.domain.subscriptions import SENTINEL, RenewFrom, Term
from gateway.services import policy as rules
from gateway.services.action import Action
from gateway.services.asking import ask
from gateway.services.kinds import Target, Work
from gateway.services.noun import AnyEdit, Noun, ObservedT, ResourceT
from gateway.services.ports.store import Store
from gateway.services.subscription_kind import ObservedEdit


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewRequest:
    """Which line or device, until when, and the caller's own name of this renewal."""

    resource_id: str
    term: Term
    reference: str | None = None


class RenewKind(ObservedEdit[RenewRequest, ResourceT, ObservedT]):
    """Read the present expiry, compute the new one, edit, read back."""

    request_type = RenewRequest

    def __init__(self, noun: Noun[ResourceT, ObservedT]) -> None:
        super().__init__(noun, "renew")

    async def prepare(
        self, action: Action, store: Store, request: RenewRequest, operation_id: str
    ) -> Target[RenewRequest]:
        resource = await self.get_changeable(action, store, request.resource_id)
        policy = await rules.policy_of(action.context.caller, store, resource)
        _check(policy, request.term, action.ports.clock.now())
        if request.reference is not None:
            await self.noun.rows(store).add_reference(
                self.noun.id_of(resource), request.reference, OperationId(operation_id)
            )
        return self.target(resource, request, sealer=action.ports.sealer)

    async def plan(self, work: Work[RenewRequest, ResourceT]) -> AnyEdit:
        work.resource.must_be_changeable()
        now = work.ports.clock.now()
        term = work.request.term
        if term.never_expires:
            expires_at = None
        elif term.period is None:
            expires_at = term.expires_at and term.expires_at.replace(microsecond=0)
        else:
            expires_at = renewed_until(term, await self._present_expiry(work), now)
        if expires_at is not None:
            rules.check_term(expires_at, now, pointer=_pointer(term))
        return self.noun.edit(work.resource, expires_at=expires_at)

    async def _present_expiry(self, work: Work[RenewRequest, ResourceT]) -> datetime | None:
        """Return what the panel says now: others may have changed it since we last looked.

        Raises:
            PanelError: it could not be asked; nothing was changed.
        """
        read = self.noun.read(work.resource)
        found = await ask(work.ports, work.panel, read, is_background=work.is_background)
        if isinstance(found, NotOnPanel):
            raise self.noun.gone()
        return found.expires_at

    def changed(self, work: Work[RenewRequest, ResourceT], desired: AnyEdit) -> ResourceT:
        expires_at = desired.expires_at
        return replace(
            work.resource, expires_at=expires_at if isinstance(expires_at, datetime) else None
        )

    async def free(self, store: Store, work: Work[RenewRequest, ResourceT]) -> None:
        await self.noun.rows(store).delete_reference(work.operation.id)


def renewed_until(term: Term, present: datetime | None, now: datetime) -> datetime:
    """Return the new expiry of what expires at *present*; whole seconds.

    Raises:
        StateConflict: what never expires cannot be given a month more.
    """
    if term.period is None or present is None:
        raise StateConflict("It never expires; renew it to a date instead.")
    starts = {
        RenewFrom.EXPIRY: present,
        RenewFrom.NOW: now,
        RenewFrom.LATER: max(now, present),
    }
    try:
        return term.period.after(starts[term.counted_from]).replace(microsecond=0)
    except OverflowError:
        return SENTINEL


def _pointer(term: Term) -> str:
    return "/period" if term.period is not None else "/expires_at"


def _check(policy: Policy | None, term: Term, now: datetime) -> None:
    """Refuse what needs no panel to be refused."""
    if term.never_expires and policy is not None:
        rules.check_never_expires(policy)
    if term.expires_at is not None:
        rules.check_term(term.expires_at, now, pointer="/expires_at")
