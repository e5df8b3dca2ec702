"""Hold what the panel says after a change against what was asked."""

from __future__ import annotations

from typing import Final

from gateway.domain.calls import UNCHANGED, Creation, Edit, LineInfo, NotOnPanel, ReadCall
from gateway.domain.errors import (
    GatewayError,
    PanelError,
    PanelLineGated,
    PanelOutcomeUnknown,
    StateConflict,
)
from gateway.domain.panels import Panel
from gateway.services.asking import ask
from gateway.services.context import Ports
from gateway.services.kinds import Verdict

#: Names that a call and an info answer share; those the panel does not say (None) are not held.
_COMPARED: Final = (
    "is_trial",
    "is_restreamer",
    "enabled",
    "admin_enabled",
    "member_id",
)
#: Here None says something: never, and no limit.
_NULLABLE: Final = ("expires_at", "max_connections")
_LISTS: Final = ("bouquet_ids", "allowed_ips", "allowed_user_agents")
_TEXTS: Final = ("notes",)
#: The panel's firewall learns of a new line or password at its next pass, every 3 s.
GATE_WAIT_SECONDS: Final = 4.0
GATE_TRIES: Final = 3


def differing(call: Creation | Edit, info: LineInfo) -> tuple[str, ...]:
    """Return the names of the fields that the panel holds otherwise than *call* asked."""
    wrong = [name for name in _COMPARED if _differs(getattr(call, name), getattr(info, name))]
    for name in _NULLABLE:
        wanted = getattr(call, name)
        if wanted is not UNCHANGED and wanted != getattr(info, name):
            wrong.append(name)
    for name in _LISTS:
        # A device is made without allow list of agents: the panel drops it.
        wanted, found = getattr(call, name, UNCHANGED), getattr(info, name)
        if wanted is not UNCHANGED and (found is None or sorted(wanted) != sorted(found)):
            wrong.append(name)
    for name in _TEXTS:
        wanted = getattr(call, name)
        if wanted is not UNCHANGED and not same_text(wanted, getattr(info, name)):
            wrong.append(name)
    return tuple(wrong)


def same_text(wanted: str, found: str) -> bool:
    """Compare notes; a panel that does not read `%` as a format keeps both signs of an edit."""
    return found.strip() in {wanted.strip(), wanted.strip().replace("%", "%%")}


def _differs(wanted: object, found: object) -> bool:
    """Compare what is given with what the panel says; None is neither."""
    return wanted is not UNCHANGED and None not in {wanted, found} and wanted != found


async def verify(
    ports: Ports,
    panel: Panel,
    call: Creation | Edit,
    read: ReadCall,
    *,
    unseen: str = "does not show it",
) -> Verdict:
    """Read back after the panel said done, and compare.

    A read-back that fails, or shows nothing, half of it or other values, leaves the outcome
    unknown: the panel said yes, but what it holds is not what was asked.

    Args:
        unseen: what the panel does where it shows nothing, for the problem's sentence.
    """
    try:
        found = await read_back(ports, panel, read)
    except PanelError as error:
        return _doubted(f"could not be read back ({error.code})")
    except StateConflict:
        return _doubted("the line behind the device is missing")
    if isinstance(found, NotOnPanel):
        return _doubted(unseen)
    wrong = differing(call, found)
    if wrong:
        return _doubted(f"holds other values: {', '.join(wrong)}")
    return Verdict(info=found, said_done=True)


def _doubted(but: str) -> Verdict:
    return Verdict(PanelOutcomeUnknown(f"The panel said done, but {but}."), said_done=True)


async def verify_unchanged(
    ports: Ports, panel: Panel, call: Edit, read: ReadCall, *, gone: GatewayError
) -> Verdict:
    """Find out what "nothing changed" meant: as asked already, no device, half of one, or else.

    Args:
        gone: the error for what the panel does not know.
    """
    try:
        found = await read_back(ports, panel, read)
    except PanelError as error:
        text = f"The panel changed nothing, and could not be read back ({error.code})."
        return Verdict(PanelOutcomeUnknown(text))
    except StateConflict as half_made:
        return Verdict(half_made)
    if isinstance(found, NotOnPanel):
        return Verdict(gone)
    wrong = differing(call, found)
    if wrong:
        text = f"The panel changed nothing, but holds other values: {', '.join(wrong)}."
        return Verdict(PanelOutcomeUnknown(text))
    return Verdict(info=found, is_unchanged=True)


async def read_back(ports: Ports, panel: Panel, read: ReadCall) -> LineInfo | NotOnPanel:
    """Ask for it, waiting for the panel's firewall to learn of a change.

    Raises:
        StateConflict: a device is there by half.
        PanelError: it could not be asked.
    """
    for _ in range(GATE_TRIES - 1):
        try:
            return await ask(ports, panel, read)
        except PanelLineGated:
            await ports.clock.sleep(GATE_WAIT_SECONDS)
    return await ask(ports, panel, read)
