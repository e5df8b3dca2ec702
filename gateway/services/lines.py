"""Lines: create, read, list, change, renew, suspend, resume, terminate, rotate the password."""

from __future__ import annotations

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.calls import Credentials
from gateway.domain.ids import LineId
from gateway.domain.lines import (
    Line,
    LineChanges,
    LineFilter,
    LineStatus,
    LineWithPassword,
    NewLine,
    ObservedLine,
    Term,
)
from gateway.domain.paging import Page, PageRequest
from gateway.domain.secrets import Secret
from gateway.services.action import Action, action
from gateway.services.changes import answer_of, carry_out
from gateway.services.context import Outcome
from gateway.services.idempotency import find_kept
from gateway.services.line_change import ChangeRequest
from gateway.services.line_info import observe
from gateway.services.line_kind import owner_of
from gateway.services.line_password import RotateRequest
from gateway.services.line_renew import RenewRequest
from gateway.services.line_switches import SwitchRequest
from gateway.services.line_view import overlaid
from gateway.services.registry import (
    CHANGE_LINE,
    CREATE_LINE,
    RENEW_LINE,
    RESUME_LINE,
    ROTATE_PASSWORD,
    SUSPEND_LINE,
    TERMINATE_LINE,
)


@action("line.create", needs=Permission.LINES_WRITE, is_audited=True)
async def create_line(act: Action, new: NewLine) -> Outcome[LineWithPassword]:
    """Make a line.

    Raises:
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: the reseller's policy.
        UsernameTaken, ExternalIdTaken: ours, or the panel's.
        InvalidRequest, NotFound, PanelError
    """
    return await carry_out(act, CREATE_LINE, new)


@action("line.read", needs=Permission.LINES_READ)
async def get_line(act: Action, line_id: LineId) -> ObservedLine:
    """Return a line with what its panel last said, from the cache when fresh.

    Raises:
        NotFound
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    async with act.read() as store:
        line = await store.lines.get(line_id)
    if line.status is not LineStatus.LIVE:
        return ObservedLine(line=line, info=None)
    return overlaid(line, await observe(act, line))


@action("line.list", needs=Permission.LINES_READ)
async def list_lines(act: Action, criteria: LineFilter, page: PageRequest) -> Page[Line]:
    """Return lines as the registry has them, newest first; panels are not asked."""
    async with act.read() as store:
        return await store.lines.list(criteria, page, act.ports.clock.now())


@action("line.update", needs=Permission.LINES_WRITE, is_audited=True)
async def change_line(act: Action, line_id: LineId, changes: LineChanges) -> Outcome[ObservedLine]:
    """Change what is named and nothing else.

    Raises:
        NotFound, StateConflict, VersionMismatch, ExternalIdTaken, InvalidRequest
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: the reseller's policy.
        PanelError
    """
    return await carry_out(act, CHANGE_LINE, ChangeRequest(line_id=line_id, changes=changes))


@action("line.renew", needs=Permission.LINES_WRITE, is_audited=True)
async def renew_line(
    act: Action, line_id: LineId, term: Term, reference: str | None
) -> Outcome[ObservedLine]:
    """Move the expiry. A repeated *reference* changes nothing and answers as the first time.

    Raises:
        NotFound, VersionMismatch, InvalidRequest, FieldNotAllowed
        StateConflict: not changeable, or a period on a line that never expires.
        PanelError
    """
    if reference is not None and await find_kept(act) is None:
        async with act.read() as store:
            line = await store.lines.get(line_id)
            earlier = await store.lines.find_reference(line.id, reference)
        if earlier is not None:
            return await answer_of(act, RENEW_LINE, earlier)
    request = RenewRequest(line_id=line_id, term=term, reference=reference)
    return await carry_out(act, RENEW_LINE, request)


@action("line.suspend", needs=Permission.LINES_WRITE, is_audited=True)
async def suspend_line(act: Action, line_id: LineId, reason: str | None) -> Outcome[ObservedLine]:
    """Stop a line; its expiry stays. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(act, SUSPEND_LINE, SwitchRequest(line_id=line_id, reason=reason))


@action("line.resume", needs=Permission.LINES_WRITE, is_audited=True)
async def resume_line(act: Action, line_id: LineId, reason: str | None) -> Outcome[ObservedLine]:
    """Let a suspended line go on. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(act, RESUME_LINE, SwitchRequest(line_id=line_id, reason=reason))


@action("line.terminate", needs=Permission.LINES_WRITE, is_audited=True)
async def terminate_line(act: Action, line_id: LineId, reason: str | None) -> Outcome[ObservedLine]:
    """End a line for good. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(act, TERMINATE_LINE, SwitchRequest(line_id=line_id, reason=reason))


@action("line.rotate_password", needs=Permission.LINES_WRITE, is_audited=True)
async def rotate_password(
    act: Action, line_id: LineId, password: Secret | None
) -> Outcome[LineWithPassword]:
    """Give a line a new password, the caller's or a made one.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    request = RotateRequest(line_id=line_id, password=password)
    return await carry_out(act, ROTATE_PASSWORD, request)


@action("line.read_credentials", needs=Permission.LINES_SECRETS, is_audited=True)
async def read_credentials(act: Action, line_id: LineId) -> Credentials:
    """Return username and password; who read them is in the audit log before they leave.

    Raises:
        NotFound
    """
    async with act.write() as store:
        line = await store.lines.get(line_id)
        await store.audit.append(
            act.entry(Phase.SUCCEEDED, resource_id=line.id, owner=owner_of(line))
        )
    return line.credentials
