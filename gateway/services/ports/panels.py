"""How services reach panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.domain.calls import ChangeCall, ChangeResult, ReadCall, ReadResult
    from gateway.domain.ids import OperationId, PanelId
    from gateway.domain.panels import Panel, Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingToken:
    """Proof that a SENDING row of this operation is committed; only the engine makes one."""

    operation_id: OperationId
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelCall:
    """A request to a panel as it would be sent, with secrets as `***`."""

    method: str
    path: str
    query: str
    form: dict[str, str]


class Panels(Protocol):
    """All panels, each spoken to in its dialect, within its budget.

    Who goes first where calls have to wait for their turn: changes, then reads, then what says
    `is_background`, for nobody waits for it. The time-outs hold for the wait as well: what gives
    way for too long ends with PanelUnavailable.
    """

    async def read(
        self, panel: Panel, call: ReadCall, *, timeout_seconds: float, is_background: bool = False
    ) -> ReadResult:
        """Ask; reads are repeated a few times within *timeout_seconds*.

        Raises:
            PanelUnavailable: not reached, timed out, rate limited, or its database is down.
            PanelMisconfigured: it refuses us, or the address is not a panel's.
            PanelLineGated: its firewall hides the line.
            PanelRefusedValues: the panel would look for other values than these; not sent.
            PanelUnsupported: the dialect has no such call.
        """

    async def change(
        self,
        panel: Panel,
        call: ChangeCall,
        token: SendingToken,
        *,
        timeout_seconds: float,
        is_background: bool = False,
    ) -> ChangeResult:
        """Send once, within *timeout_seconds*; never repeated.

        Raises:
            PanelUnavailable: provably not sent.
            PanelRefusedValues: definitely refused, or not sent, because the panel would not keep
                the values as they are.
            PanelMisconfigured: definitely refused; or not sent (`unsent`), since it has refused an
                earlier call.
            PanelLineGated: an empty 404 on an edit: nothing was changed, and an info call tells
                whether the values were refused or the line is hidden.
            PanelOutcomeUnknown: sent, and anything else happened.
            PanelUnsupported: the dialect has no such call; not sent.
        """

    def dialects(self) -> tuple[str, ...]:
        """Return the names of the dialects that can be spoken."""

    def is_left_alone(self, panel_id: PanelId) -> bool:
        """Tell whether a read would be refused now, for the panel does not answer; asks nobody.

        False where it is not known, and where it is time to try it.
        """

    def check(self, panel: Panel, call: ChangeCall) -> None:
        """Refuse a change that could not be sent as it is; asks nobody.

        Raises:
            PanelRefusedValues: the panel would not keep a value as it is.
            PanelUnsupported: the dialect has no such call.
        """

    def preview(self, panel: Panel, call: ChangeCall) -> PanelCall:
        """Return what would be sent, secrets masked; asks nobody. Raises as `check`."""

    async def probe(self, panel: Panel) -> Probe:
        """Find out by reads only what the panel is and whether it lets us in; never raises."""
