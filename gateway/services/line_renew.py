"""line.renew: move the expiry of a line to an absolute date.

"One month more" becomes a date here, once, from what the panel says; it is stored before anything
is sent, so that sending it again is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.calls import EditLine, GetLineInfo, NotOnPanel
from gateway.domain.errors import CredentialsOutOfSync, StateConflict
from gateway.domain.ids import LineId, OperationId
from gateway.domain.lines import SENTINEL, Line, ObservedLine, RenewFrom, Term
from gateway.domain.resellers import Policy
from gateway.services import line_policy
from gateway.services.action import Action
from gateway.services.kinds import Target, Work
from gateway.services.line_kind import LineEdit, get_changeable, target_for
from gateway.services.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewRequest:
    """Which line, until when, and the caller's own name of this renewal."""

    line_id: LineId
    term: Term
    reference: str | None = None


class RenewLineKind(LineEdit[RenewRequest, ObservedLine]):
    """Read the present expiry, compute the new one, edit, read back."""

    name = "line.renew"
    request_type = RenewRequest
    result_type = ObservedLine

    async def prepare(
        self, action: Action, store: Store, request: RenewRequest, operation_id: str
    ) -> Target[RenewRequest]:
        line = await get_changeable(action, store, request.line_id)
        policy = await line_policy.policy_of(action.context.caller, store, line)
        _check(policy, request.term, action.ports.clock.now())
        if request.reference is not None:
            await store.lines.add_reference(line.id, request.reference, OperationId(operation_id))
        return target_for(line, request, sealer=action.ports.sealer)

    async def plan(self, work: Work[RenewRequest, Line]) -> EditLine:
        work.resource.must_be_changeable()
        now = work.ports.clock.now()
        term = work.request.term
        if term.never_expires:
            expires_at = None
        elif term.period is None:
            expires_at = term.expires_at and term.expires_at.replace(microsecond=0)
        else:
            expires_at = renewed_until(term, await _present_expiry(work), now)
        if expires_at is not None:
            line_policy.check_term(expires_at, now, pointer=_pointer(term))
        return EditLine(credentials=work.resource.credentials, expires_at=expires_at)

    def changed(self, work: Work[RenewRequest, Line], desired: EditLine) -> Line:
        expires_at = desired.expires_at
        return replace(
            work.resource, expires_at=expires_at if isinstance(expires_at, datetime) else None
        )

    def result_of(self, work: Work[RenewRequest, Line], observed: ObservedLine) -> ObservedLine:
        return observed

    async def free(self, store: Store, work: Work[RenewRequest, Line]) -> None:
        await store.lines.delete_reference(work.operation.id)


def renewed_until(term: Term, present: datetime | None, now: datetime) -> datetime:
    """Return the new expiry of a line that expires at *present*; whole seconds.

    Raises:
        StateConflict: a line that never expires cannot be given a month more.
    """
    if term.period is None or present is None:
        raise StateConflict("This line never expires; renew it to a date instead.")
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
        line_policy.check_never_expires(policy)
    if term.expires_at is not None:
        line_policy.check_term(term.expires_at, now, pointer="/expires_at")


async def _present_expiry(work: Work[RenewRequest, Line]) -> datetime | None:
    """Return what the panel says now: others may have changed it since we last looked.

    Raises:
        PanelError: it could not be asked; nothing was changed.
    """
    found = await work.ports.panels.read(
        work.panel,
        GetLineInfo(credentials=work.resource.credentials),
        timeout_seconds=work.ports.limits.read_timeout_seconds,
    )
    if isinstance(found, NotOnPanel):
        text = "The panel does not know this line by its stored credentials."
        raise CredentialsOutOfSync(text)
    return found.expires_at
