"""`/v1/lines`: subscriber accounts."""

from __future__ import annotations

from typing import Final

from gateway.api.rest import subscription_raises as raises
from gateway.api.rest.line_answers import (
    CredentialsOut,
    LineInfoOut,
    LineOut,
    LineWithPasswordOut,
    info_out,
    line_out,
    line_with_password_out,
    observed_line,
)
from gateway.api.rest.line_requests import (
    LineCreate,
    LineImportIn,
    LineLookup,
    LinePatch,
    LineQuery,
    LineRenew,
    PasswordRotate,
)
from gateway.api.rest.routing import (
    ExternalIdPart,
    Observed,
    get,
    mapped,
    mapped_page,
    patch,
    post,
    put,
)
from gateway.api.rest.subscription_requests import FindQuery, PutQuery, Reason, named_by
from gateway.domain.caller import Permission
from gateway.domain.errors import (
    NotFound,
    PanelRefusedValues,
    RateLimited,
    StateConflict,
    UsernameTaken,
)
from gateway.domain.ids import LineId
from gateway.domain.lines import ObservedLine
from gateway.domain.paging import Page
from gateway.domain.secrets import Secret
from gateway.services import line_info, lines
from gateway.services.context import Context, Outcome

_NO_REASON: Final = Reason()
_NO_PASSWORD: Final = PasswordRotate()


@post(
    "/v1/lines",
    status=201,
    needs=Permission.LINES_WRITE,
    raises=(*raises.CREATE, UsernameTaken),
    may_stay_open=True,
)
async def create_line(context: Context, body: LineCreate) -> Outcome[LineWithPasswordOut]:
    """Create a line. Its password is in this answer only."""
    made = await lines.create_line(context, body.to_new_line())
    return mapped(made, line_with_password_out(context))


@get("/v1/lines", needs=Permission.LINES_READ)
async def list_lines(context: Context, query: LineQuery) -> Page[LineOut]:
    """List lines, newest first, as the gateway knows them: no panel is asked."""
    found = await lines.list_lines(context, query.to_filter(), query.page)
    to_out = line_out(context)
    return mapped_page(found, lambda line: to_out(ObservedLine(line=line, info=None)))


@get("/v1/lines/{line_id}", needs=Permission.LINES_READ, raises=raises.READ_LINE)
async def get_line(context: Context, line_id: LineId) -> Observed[LineOut]:
    """Read a line with what its panel last said, from the cache while that is fresh."""
    return observed_line(context, await lines.get_line(context, line_id))


@get(
    "/v1/lines/by-external-id/{external_id}",
    needs=Permission.LINES_READ,
    raises=raises.READ_LINE,
)
async def get_line_by_external_id(
    context: Context, external_id: ExternalIdPart, query: FindQuery
) -> Observed[LineOut]:
    """Read a line by your own id."""
    found = await lines.find_line(context, external_id, query.reseller_id)
    return observed_line(context, found)


@put(
    "/v1/lines/by-external-id/{external_id}",
    needs=Permission.LINES_WRITE,
    raises=(*raises.CHANGE_LINE, UsernameTaken),
    is_versioned=True,
    may_stay_open=True,
)
async def put_line(
    context: Context, external_id: ExternalIdPart, body: LineCreate, query: PutQuery
) -> Outcome[LineWithPasswordOut]:
    """Create the line with your own id, or bring the one that is there in step. Safe to repeat.

    Only the answer to a creation has the password. Username, password and panel of a line
    that is there cannot be changed, and a period is for creation only: others renew.
    """
    new = named_by(body.to_new_line(), external_id, query)
    outcome = await lines.put_line(context, external_id, new)
    return mapped(outcome, line_with_password_out(context))


@post(
    "/v1/lines/lookup",
    needs=Permission.LINES_READ,
    raises=(*raises.READ_LINE, RateLimited),
)
async def look_up_line(context: Context, body: LineLookup) -> Observed[LineOut]:
    """Find the line with these credentials: what a login form asks."""
    found = await lines.look_up_line(context, body.username, Secret(body.password))
    return observed_line(context, found)


@post(
    "/v1/lines/import",
    status=201,
    needs=Permission.IMPORTS_WRITE,
    raises=(*raises.IMPORT_LINE, UsernameTaken),
)
async def import_line(context: Context, body: LineImportIn) -> Outcome[LineOut]:
    """Adopt a line that is on a panel already; the panel is asked for it and told nothing."""
    return mapped(await lines.import_line(context, body.to_import()), line_out(context))


@get(
    "/v1/lines/{line_id}/info",
    needs=Permission.LINES_READ,
    raises=(*raises.READ_LINE, StateConflict),
)
async def get_line_info(context: Context, line_id: LineId) -> Observed[LineInfoOut]:
    """Read everything the panel says of a line."""
    found = await line_info.get_line_info(context, line_id)
    return Observed(info_out(line_id, found), found)


@patch(
    "/v1/lines/{line_id}",
    needs=Permission.LINES_WRITE,
    raises=raises.CHANGE_LINE,
    may_stay_open=True,
)
async def change_line(context: Context, line_id: LineId, body: LinePatch) -> Outcome[LineOut]:
    """Change the named fields of a line, here and on its panel."""
    changed = await lines.change_line(context, line_id, body.to_changes())
    return mapped(changed, line_out(context))


@post(
    "/v1/lines/{line_id}/renew",
    needs=Permission.LINES_WRITE,
    raises=raises.RENEW_LINE,
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
    raises=raises.SWITCH_LINE,
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
    raises=raises.SWITCH_LINE,
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
    raises=raises.SWITCH_LINE,
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
    raises=(*raises.SWITCH_LINE, PanelRefusedValues),
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
