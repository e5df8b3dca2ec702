"""Which call a request means. Unknown ones get no answer: status 200 and an empty body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from gateway.simulator.actions import devices, documented, lines, others
from gateway.simulator.call import Call
from gateway.simulator.php import PhpValue

Action: TypeAlias = Callable[[Call], Awaitable[PhpValue]]

OBSERVED: Final[dict[tuple[str, str], Action]] = {
    ("user", "create"): lines.create,
    ("user", "edit"): lines.edit,
    ("user", "info"): lines.info,
    ("stb", "create"): devices.create,
    ("stb", "edit"): devices.edit,
    ("stb", "info"): devices.info,
    ("reg_user", "list"): others.list_accounts,
    ("reg_user", "credits"): others.credits,
    ("server", "list"): others.list_servers,
    ("stream", "list"): others.list_streams,
    ("stream", "online"): others.online_streams,
    ("stream", "offline"): others.offline_streams,
    ("stream", "start"): others.control_streams,
    ("stream", "stop"): others.control_streams,
    ("vod", "start"): others.control_streams,
    ("vod", "stop"): others.control_streams,
}
DOCUMENTED: Final[dict[tuple[str, str], Action]] = {
    ("user", "create"): documented.create_line,
    ("user", "edit"): documented.edit_line,
    ("user", "info"): documented.line,
    ("stb", "create"): documented.create_device,
    ("stb", "edit"): documented.edit_device,
    ("stb", "info"): documented.device,
}


def find(call: Call) -> Action | None:
    """Return the action that the parameters name, in exact case, or None."""
    action, sub = call.params.get("action"), call.params.get("sub")
    if not isinstance(action, str) or not isinstance(sub, str):
        return None
    table = DOCUMENTED if call.switches.profile == "documented" else OBSERVED
    return table.get((action, sub))
