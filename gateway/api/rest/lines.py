"""`/v1/lines`: subscriber accounts."""

from __future__ import annotations

from typing import Final

from gateway.api.rest.line_answers import (
    CredentialsOut,
    LineInfoOut,
    LineOut,
    LineWithPasswordOut,
    info_out,
    line_out,
    line_with_password_out,
)
from gateway.api.rest.line_requests import (
    LineCreate,
    LinePatch,
    LineQuery,
    LineRenew,
    PasswordRotate,
    Reason,
)
from gateway.api.rest.routing import Observed, get, mapped, mapped_page, patch, post
from gateway.domain.caller import Permission
from gateway.domain.errors import (
    BouquetNotAllowed,
    CredentialsOutOfSync,
    ExternalIdTaken,
    FieldNotAllowed,
    GatewayError,
    NotFound,
    PanelLineGated,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelRefusedValues,
    PanelUnavailable,
    PanelUnsupported,
    QuotaExceeded,
    StateConflict,
    UsernameTaken,
)
from gateway.domain.ids import LineId
from gateway.domain.lines import LineChanges, LineFilter, ObservedLine
from gateway.domain.paging import Page
from gateway.domain.secrets import Secret
from gateway.services import line_info, lines
from gateway.services.context import Context, Outcome

_Errors = tuple[type[GatewayError], ...]

#: What a change of an existing line may run into.
_CHANGE: Final[_Errors] = (
    NotFound,
    StateConflict,
    CredentialsOutOfSync,
    PanelLineGated,
    PanelMisconfigured,
    PanelUnavailable,
    PanelUnsupported,
    PanelOutcomeUnknown,
)
_POLICY: Final[_Errors] = (FieldNotAllowed, QuotaExceeded, BouquetNotAllowed, PanelRefusedValues)

_NO_REASON: Final = Reason()
_NO_PASSWORD: Final = PasswordRotate()


@post(
    "/v1/lines",
    status=201,
    needs=Permission.LINES_WRITE,
    raises=(
        *_POLICY,
        NotFound,
        UsernameTaken,
        ExternalIdTaken,
        PanelMisconfigured,
        PanelUnavailable,
        PanelUnsupported,
        PanelOutcomeUnknown,
    ),
    may_stay_open=True,
)
async def create_line(context: Context, body: LineCreate) -> Outcome[LineWithPasswordOut]:
    """Create a line. Its password is in this answer only."""
    made = await lines.create_line(context, body.to_new_line())
    return mapped(made, line_with_password_out(context))


@get("/v1/lines", needs=Permission.LINES_READ)
async def list_lines(context: Context, query: LineQuery) -> Page[LineOut]:
    """List lines, newest first, as the gateway knows them: no panel is asked."""
    found = await lines.list_lines(context, LineFilter(**query.filters()), query.page)
    to_out = line_out(context)
    return mapped_page(found, lambda line: to_out(ObservedLine(line=line, info=None)))


@get(
    "/v1/lines/{line_id}",
    needs=Permission.LINES_READ,
    raises=(NotFound, PanelUnavailable, PanelMisconfigured),
)
async def get_line(context: Context, line_id: LineId) -> Observed[LineOut]:
    """Read a line with what its panel last said, from the cache while that is fresh."""
    found = await lines.get_line(context, line_id)
    return Observed(line_out(context)(found), found.info)


@get(
    "/v1/lines/{line_id}/info",
    needs=Permission.LINES_READ,
    raises=(
        NotFound,
        StateConflict,
        CredentialsOutOfSync,
        PanelLineGated,
        PanelMisconfigured,
        PanelUnavailable,
        PanelUnsupported,
    ),
)
async def get_line_info(context: Context, line_id: LineId) -> Observed[LineInfoOut]:
    """Read everything the panel says of a line."""
    found = await line_info.get_line_info(context, line_id)
    return Observed(info_out(line_id, found), found)


@patch(
    "/v1/lines/{line_id}",
    needs=Permission.LINES_WRITE,
    raises=(*_CHANGE, *_POLICY, ExternalIdTaken),
    may_stay_open=True,
)
async def change_line(context: Context, line_id: LineId, body: LinePatch) -> Outcome[LineOut]:
    """Change the named fields of a line, here and on its panel."""
    changed = await lines.change_line(context, line_id, LineChanges(**body.given()))
    return mapped(changed, line_out(context))


@post(
    "/v1/lines/{line_id}/renew",
    needs=Permission.LINES_WRITE,
    raises=(*_CHANGE, FieldNotAllowed, PanelRefusedValues),
    is_versioned=True,
    may_stay_open=True,
)
async def renew_line(context: Context, line_id: LineId, body: LineRenew) -> Outcome[LineOut]:
    """Move the expiry of a line to an absolute date."""
    renewed = await lines.renew_line(context, line_id, body.to_term(), body.reference)
    return mapped(renewed, line_out(context))


@post(
    "/v1/lines/{line_id}/suspend",
    needs=Permission.LINES_WRITE,
    raises=_CHANGE,
    is_versioned=True,
    may_stay_open=True,
)
async def suspend_line(
    context: Context, line_id: LineId, body: Reason = _NO_REASON
) -> Outcome[LineOut]:
    """Stop a line from playing; its expiry stays. Safe to repeat."""
    return mapped(await lines.suspend_line(context, line_id, body.reason), line_out(context))


@post(
    "/v1/lines/{line_id}/resume",
    needs=Permission.LINES_WRITE,
    raises=_CHANGE,
    is_versioned=True,
    may_stay_open=True,
)
async def resume_line(
    context: Context, line_id: LineId, body: Reason = _NO_REASON
) -> Outcome[LineOut]:
    """Let a suspended line play again. Safe to repeat."""
    return mapped(await lines.resume_line(context, line_id, body.reason), line_out(context))


@post(
    "/v1/lines/{line_id}/terminate",
    needs=Permission.LINES_WRITE,
    raises=_CHANGE,
    is_versioned=True,
    may_stay_open=True,
)
async def terminate_line(
    context: Context, line_id: LineId, body: Reason = _NO_REASON
) -> Outcome[LineOut]:
    """End a line for good; its username stays reserved. Safe to repeat."""
    return mapped(await lines.terminate_line(context, line_id, body.reason), line_out(context))


@post(
    "/v1/lines/{line_id}/rotate-password",
    needs=Permission.LINES_WRITE,
    raises=(*_CHANGE, PanelRefusedValues),
    is_versioned=True,
    may_stay_open=True,
)
async def rotate_line_password(
    context: Context, line_id: LineId, body: PasswordRotate = _NO_PASSWORD
) -> Outcome[LineWithPasswordOut]:
    """Give a line a new password, which is in this answer only."""
    wanted = None if body.password is None else Secret(body.password)
    rotated = await lines.rotate_password(context, line_id, wanted)
    return mapped(rotated, line_with_password_out(context))


@get(
    "/v1/lines/{line_id}/credentials",
    needs=Permission.LINES_SECRETS,
    raises=(NotFound, StateConflict),
)
async def read_line_credentials(context: Context, line_id: LineId) -> CredentialsOut:
    """Read username and password of a line; each read is in the audit log."""
    found = await lines.read_credentials(context, line_id)
    return CredentialsOut(username=found.username, password=found.password.reveal())
