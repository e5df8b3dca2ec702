"""Telling of panels that go down, shut us out, and come back; once, whichever process sees it.

Each process sees for itself how a panel is, by its circuit. What was last told stands in one row
for all of them, which changes in the transaction of the event. A process that saw a panel go down
may be gone when it comes back, and nobody may call it: so a worker tries those that are not up.
"""

from __future__ import annotations

from typing import Final

import structlog

from gateway.domain.caller import ROOT_PATH, Permission
from gateway.domain.calls import Credentials, GetLineInfo
from gateway.domain.errors import (
    NotFound,
    PanelError,
    PanelMisconfigured,
    PanelUnavailable,
    ServiceUnavailable,
)
from gateway.domain.events import EventType
from gateway.domain.ids import PanelId
from gateway.domain.panel_states import PanelState, ToldState
from gateway.domain.panels import Panel
from gateway.domain.secrets import Secret
from gateway.services.action import Action, action
from gateway.services.context import Ports
from gateway.services.scope import system_scope
from gateway.services.telling import About, tell

log = structlog.get_logger(__name__)

#: How many panels one tick tries.
BATCH: Final = 20
#: Before it is tried again to tell something while our database is away.
PAUSE_SECONDS: Final = 0.5
PAUSE_SECONDS_MAX: Final = 5.0
_TOLD: Final = {
    PanelState.UP: EventType.PANEL_UP,
    PanelState.DOWN: EventType.PANEL_DOWN,
    PanelState.BANNED_US: EventType.PANEL_BANNED_US,
}
#: Why a circuit opens when the panel's firewall keeps us out.
_BANS: Final = frozenset({"suspected_ban", "ip_refused"})
#: Nobody's line: any answer to this question says that the panel answers.
_QUESTION: Final = GetLineInfo(
    credentials=Credentials(username="xgw-are-you-there", password=Secret("are-you-there"))
)


def state_of(reason: str | None) -> PanelState:
    """Return how a panel is whose circuit is open for this reason; None: it is closed."""
    if reason is None:
        return PanelState.UP
    return PanelState.BANNED_US if reason in _BANS else PanelState.DOWN


async def tell_panel(ports: Ports, panel_id: PanelId, reason: str | None) -> bool:
    """Tell how a panel is, if it was told otherwise before; return whether it was told now.

    Raises:
        ServiceUnavailable: our database is down.
    """
    state, now = state_of(reason), ports.clock.now()
    async with ports.database.write(system_scope()) as store:
        try:
            panel = await store.panels.get(panel_id)
        except NotFound:
            return False
        told = ToldState(panel_id=panel_id, state=state, at=now)
        if not await store.panel_states.change_to(told):
            return False
        about = About(
            resource_id=panel_id, owner_path=ROOT_PATH, reseller_id=None, panel_id=panel_id
        )
        data = {
            "id": panel_id,
            "object": "panel",
            "name": panel.name,
            "state": state.value,
            "reason": reason,
        }
        await tell(store, ports, _TOLD[state], about, data)
    return True


class PanelNews:
    """What this process has seen of panels and not told yet.

    Told of as it is by then: a panel that came back while our database was away never went down.
    """

    def __init__(self) -> None:
        self._seen: dict[PanelId, str | None] = {}

    def see(self, ports: Ports, panel_id: PanelId, reason: str | None) -> None:
        """Have it told how a panel is, as soon as that can be written."""
        is_being_told = panel_id in self._seen
        self._seen[panel_id] = reason
        if not is_being_told:
            _ = ports.tasks.spawn(self._tell(ports, panel_id), name=f"panel:{panel_id}")

    async def _tell(self, ports: Ports, panel_id: PanelId) -> None:
        pause = PAUSE_SECONDS
        try:
            while True:
                reason = self._seen[panel_id]
                try:
                    await tell_panel(ports, panel_id, reason)
                except ServiceUnavailable:
                    if ports.lifecycle.is_draining:
                        return
                    await ports.clock.sleep(pause)
                    pause = min(2 * pause, PAUSE_SECONDS_MAX)
                    continue
                if self._seen[panel_id] == reason:
                    return
        finally:
            del self._seen[panel_id]


@action("panel.try_unwell", needs=Permission.OPERATIONS_RESOLVE)
async def try_unwell_panels(act: Action) -> int:
    """Ask those that are not up whether they are again; return how many were asked.

    A panel that this process leaves alone for now is not asked: its circuit refuses.

    Raises:
        ServiceUnavailable: our database is down.
    """
    async with act.read() as store:
        unwell = await store.panel_states.list_unwell(BATCH)
        panels = [await store.panels.get(it.panel_id) for it in unwell]
    for panel in panels:
        if await _answers(act.ports, panel):
            await tell_panel(act.ports, panel.id, None)
    return len(panels)


async def _answers(ports: Ports, panel: Panel) -> bool:
    seconds = ports.limits.read_timeout_seconds
    try:
        await ports.panels.read(panel, _QUESTION, timeout_seconds=seconds, is_background=True)
    except (PanelUnavailable, PanelMisconfigured):
        return False
    except PanelError as error:
        log.debug("panel.answers", panel_id=panel.id, code=error.code)
    return True
