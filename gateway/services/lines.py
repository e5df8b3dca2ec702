"""Lines: create, read, list, change, renew, suspend, resume, terminate, rotate the password."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.calls import Credentials, GetLineInfo
from gateway.domain.errors import NotFound, PanelLineGated, StateConflict
from gateway.domain.ids import IdKind, LineId, ResellerId, new_id
from gateway.domain.lines import (
    Line,
    LineFilter,
    LineImport,
    LineWithPassword,
    NewLine,
    ObservedLine,
)
from gateway.domain.paging import Page, PageRequest
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import Changes, Status, Term
from gateway.services import imports
from gateway.services.action import Action, Subscriber, action
from gateway.services.change import ChangeRequest
from gateway.services.changes import carry_out
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.info import observe
from gateway.services.line_noun import LINES
from gateway.services.line_password import RotateRequest
from gateway.services.lockouts import of_look_up
from gateway.services.noun import owner_of
from gateway.services.ports.store import Store
from gateway.services.puts import Put
from gateway.services.registry import (
    CHANGE_LINE,
    CREATE_LINE,
    RENEW_LINE,
    RESUME_LINE,
    ROTATE_PASSWORD,
    SUSPEND_LINE,
    TERMINATE_LINE,
)
from gateway.services.renewals import renew
from gateway.services.switches import SwitchRequest
from gateway.services.view import overlaid


@action("line.create", needs=Permission.LINES_WRITE, is_audited=True)
async def create_line(act: Action, new: NewLine) -> Outcome[LineWithPassword]:
    """Make a line.

    Raises:
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: the reseller's policy.
        UsernameTaken, ExternalIdTaken: ours, or the panel's.
        InvalidRequest, NotFound, PanelError
    """
    return await carry_out(act, CREATE_LINE, new)


@action("line.read", needs=Permission.LINES_READ, subscriber=Subscriber.MAY)
async def get_line(act: Action, line_id: LineId) -> ObservedLine:
    """Return a line with what its panel last said, from the cache when fresh.

    Raises:
        NotFound
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    async with act.read() as store:
        line = await store.lines.get(line_id)
    return await _observed(act, line)


@action("line.list", needs=Permission.LINES_READ)
async def list_lines(act: Action, criteria: LineFilter, page: PageRequest) -> Page[Line]:
    """Return lines as the registry has them, newest first; panels are not asked."""
    async with act.read() as store:
        return await store.lines.list(criteria, page, act.ports.clock.now())


@action("line.update", needs=Permission.LINES_WRITE, is_audited=True)
async def change_line(act: Action, line_id: LineId, changes: Changes) -> Outcome[ObservedLine]:
    """Change what is named and nothing else.

    Raises:
        NotFound, StateConflict, VersionMismatch, ExternalIdTaken, InvalidRequest
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: the reseller's policy.
        PanelError
    """
    return await carry_out(act, CHANGE_LINE, ChangeRequest(resource_id=line_id, changes=changes))


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
    return await renew(act, RENEW_LINE, line_id, term, reference)


@action("line.suspend", needs=Permission.LINES_WRITE, is_audited=True)
async def suspend_line(act: Action, line_id: LineId, reason: str | None) -> Outcome[ObservedLine]:
    """Stop a line; its expiry stays. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(act, SUSPEND_LINE, SwitchRequest(resource_id=line_id, reason=reason))


@action("line.resume", needs=Permission.LINES_WRITE, is_audited=True)
async def resume_line(act: Action, line_id: LineId, reason: str | None) -> Outcome[ObservedLine]:
    """Let a suspended line go on. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(act, RESUME_LINE, SwitchRequest(resource_id=line_id, reason=reason))


@action("line.terminate", needs=Permission.LINES_WRITE, is_audited=True)
async def terminate_line(act: Action, line_id: LineId, reason: str | None) -> Outcome[ObservedLine]:
    """End a line for good. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(act, TERMINATE_LINE, SwitchRequest(resource_id=line_id, reason=reason))


@action(
    "line.rotate_password",
    needs=Permission.LINES_WRITE,
    is_audited=True,
    subscriber=Subscriber.IF_POLICY_ALLOWS,
)
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


@action("line.find", needs=Permission.LINES_READ)
async def find_line(act: Action, external_id: str, reseller_id: ResellerId | None) -> ObservedLine:
    """Return the line with the caller's own id, or, for operators, that of *reseller_id*.

    Raises:
        NotFound
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    owner = act.context.caller.reseller_id or reseller_id
    async with act.read() as store:
        line = await store.lines.find_by_external_id(owner, external_id)
    if line is None:
        raise NotFound("There is no such line.")
    return await _observed(act, line)


@action("line.put", needs=Permission.LINES_WRITE, is_audited=True)
async def put_line(act: Action, external_id: str, new: NewLine) -> Outcome[LineWithPassword]:
    """Make the line of this external id, or bring the one there in step; safe to repeat.

    Raises:
        StateConflict: another username, password or panel than the line has.
        GatewayError: as `create_line` and `change_line`.
    """
    return await PUT_LINE.carry_out(act, replace(new, external_id=external_id))


@action("line.look_up", needs=Permission.LINES_READ)
async def look_up_line(act: Action, username: str, password: Secret) -> ObservedLine:
    """Return the caller's line with these credentials.

    Raises:
        NotFound: there is none, or the password is another.
        RateLimited: too many were wrong for this username.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    guesser = of_look_up(act.context.caller.id, username)
    await act.ports.lockouts.check(guesser)
    async with act.read() as store:
        found = await store.lines.list_by_username(username)
    for line in found:
        if line.password.equals(password.reveal()):
            return await _observed(act, line)
    await act.ports.lockouts.failed(guesser)
    raise NotFound("There is no line with these credentials.")


@action("line.import", needs=Permission.IMPORTS_WRITE, is_audited=True)
async def import_line(act: Action, wanted: LineImport) -> Outcome[ObservedLine]:
    """Adopt a line that is on a panel already, after asking the panel for it.

    Raises:
        NotFound: no such panel or reseller, or the panel does not know these credentials.
        UsernameTaken, ExternalIdTaken: it is ours already.
        PanelError: the panel could not be asked.
    """
    credentials = Credentials(username=wanted.username, password=wanted.password)
    info = await imports.on_panel(act, wanted.panel_id, GetLineInfo(credentials=credentials))

    async def change(store: Store) -> ObservedLine:
        reseller = await imports.owner(store, wanted.reseller_id)
        members = imports.members_of(
            act,
            info,
            panel_id=wanted.panel_id,
            reseller=reseller,
            external_id=wanted.external_id,
        )
        line_id = new_id(IdKind.LINE, act.ports.clock.now(), act.ports.random.bytes)
        line = Line(id=LineId(line_id), username=info.username, password=wanted.password, **members)
        return await imports.adopt(act, LINES, store, line)

    return await write_once(act, ObservedLine, change)


async def _observed(act: Action, line: Line) -> ObservedLine:
    """Return *line* with what its panel last said.

    A line that the panel's firewall hides is shown as the registry has it: it is expired, suspended
    or banned, which the caller wants to see all the more.
    """
    if line.status is not Status.LIVE:
        return ObservedLine(line=line, info=None)
    try:
        info = await observe(act, LINES, line)
    except PanelLineGated:
        if act.context.no_cache:
            raise
        return ObservedLine(line=line, info=None)
    return ObservedLine(line=overlaid(line, info), info=info)


def _refuse_other_line(present: Line, new: NewLine) -> None:
    """Refuse a put that names another line than the one there."""
    other_name = new.username is not None and new.username != present.username
    other_password = new.password is not None and not new.password.equals(present.password.reveal())
    if other_name or other_password or new.panel_id not in {None, present.panel_id}:
        raise StateConflict(
            "The line of this external id has another username, password or panel; a put cannot "
            "change those."
        )


PUT_LINE: Final = Put(
    create=CREATE_LINE,
    change=CHANGE_LINE,
    observe=_observed,
    made=lambda observed: LineWithPassword(line=observed, password=None),
    conflicts=_refuse_other_line,
)
