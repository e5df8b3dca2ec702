"""What a panel says of a line."""

from __future__ import annotations

from gateway.domain.caller import Permission
from gateway.domain.errors import GatewayError
from gateway.domain.ids import LineId
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.action import Action, Subscriber, action
from gateway.services.info import read_info, read_infos
from gateway.services.line_noun import LINES


@action("line.read_info", needs=Permission.LINES_READ, subscriber=Subscriber.MAY)
async def get_line_info(act: Action, line_id: LineId) -> ObservedInfo:
    """Return everything the panel says of a line.

    Raises:
        NotFound
        StateConflict: it is not known yet whether the line is on the panel.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    return await read_info(act, LINES, line_id)


@action("line.list_info", needs=Permission.LINES_READ, subscriber=Subscriber.MAY)
async def list_line_infos(
    act: Action, line_ids: tuple[LineId, ...]
) -> dict[str, ObservedInfo | GatewayError]:
    """Return what panels say of several lines: for each its info, or the error of `get_line_info`.

    Only what is in no cache is asked, all at once and within the panels' budgets.
    """
    return await read_infos(act, LINES, line_ids)
