"""Looking at a panel for what came of a change: only what it says is evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gateway.domain.calls import LineInfo, NotOnPanel, ReadCall
from gateway.domain.errors import GatewayError, PanelError, PanelLineGated, StateConflict
from gateway.domain.panels import Panel
from gateway.services.asking import ask
from gateway.services.check import read_back
from gateway.services.context import Ports
from gateway.services.kinds import Finding, Found, Work
from gateway.services.line_noun import LINES
from gateway.services.scope import system_scope

#: How many other lines of a panel are tried as the control of its firewall.
CONTROLS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Hidden:
    """The panel's firewall hides it, or something like it: another active line can be read."""


async def look(work: Work[Any, Any], read: ReadCall) -> LineInfo | NotOnPanel | Hidden | Finding:
    """Return what the panel shows, or the finding that it shows nothing that can be used.

    An empty 404 of the panel's firewall proves nothing by itself: the firewall may be asleep, or
    not know anybody. Where another, active line of the same panel can be read, it hides this one.
    """
    try:
        return await read_back(work.ports, work.panel, read)
    except PanelLineGated as gated:
        seen = await control_is_seen(work.ports, work.panel, but=work.operation.resource_id)
        return Hidden() if seen else unclear(gated)
    except StateConflict as half_made:
        return Finding(found=Found.CONTRADICTS, error=half_made)
    except PanelError as error:
        return unclear(error)


def unclear(error: GatewayError) -> Finding:
    """Return that this look told nothing, and why."""
    return Finding(found=Found.UNCLEAR, error=error)


async def control_is_seen(ports: Ports, panel: Panel, *, but: str) -> bool:
    """Tell whether an active line of a panel, another one than *but*, can be read now."""
    now = ports.clock.now()
    async with ports.database.read(system_scope()) as store:
        controls = await store.lines.list_controls(panel.id, now, but=but, limit=CONTROLS_MAX)
    for line in controls:
        try:
            found = await ask(ports, panel, LINES.read(line), is_background=True)
        except (PanelError, StateConflict):
            continue
        if isinstance(found, LineInfo):
            return True
    return False
