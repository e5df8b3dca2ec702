"""How a panel is, as others were last told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.ids import PanelId


class PanelState(StrEnum):
    """Whether a panel can be worked with; one that nothing is known of is up."""

    UP = "up"
    DOWN = "down"
    BANNED_US = "banned_us"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldState:
    """What was last told of a panel, and when."""

    panel_id: PanelId
    state: PanelState
    at: datetime
