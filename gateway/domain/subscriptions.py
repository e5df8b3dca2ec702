"""What a line and a device have in common: a subscriber's access on one panel, and its term."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from gateway.domain.calls import UNCHANGED, LineInfo, Unchanged
from gateway.domain.errors import StateConflict
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.panels import SuspendBy
from gateway.domain.periods import Period
