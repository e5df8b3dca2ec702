"""Ask a panel for one line or device."""

from __future__ import annotations

from gateway.domain.calls import HalfMade, LineInfo, NotOnPanel, ReadCall
from gateway.domain.errors import StateConflict
from gateway.domain.panels import Panel
from gateway.services.context import Ports


async def ask(
    ports: Ports, panel: Panel, read: ReadCall, *, is_background: bool = False
) -> LineInfo | NotOnPanel:
    """Return what *panel* says. *is_background*: nobody waits for it, so others go first.

    Raises:
        StateConflict: it has a device by half. No waiting mends that, so it is not unavailable,
            and nothing older is the truth; the panel knows the MAC, so it is not absent either.
        PanelError: it could not be asked.
    """
    seconds = ports.limits.read_timeout_seconds
    found = await ports.panels.read(
        panel, read, timeout_seconds=seconds, is_background=is_background
    )
    if isinstance(found, HalfMade):
        raise StateConflict(
            "The panel has this MAC, but not the line behind it, so the device plays nothing; "
            "the panel's owner must mend that."
        )
    if not isinstance(found, LineInfo | NotOnPanel):
        raise TypeError("a read of a line or a device is answered by its info")
    return found
