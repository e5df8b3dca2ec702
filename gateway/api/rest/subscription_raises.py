"""What the routes of lines and of devices may run into.

A panel's firewall hides expired and disabled lines, never devices. A line is found on its panel by
credentials, which others may change there; a device is just not there any more, or the line behind
it is not (StateConflict).
"""

from __future__ import annotations

from typing import Final

from gateway.domain.errors import (
    BouquetNotAllowed,
    CredentialsOutOfSync,
    ExternalIdTaken,
    FieldNotAllowed,
    GatewayError,
    NotFound,
    PanelLineGated,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelRefusedValues,
    PanelUnavailable,
    PanelUnsupported,
    QuotaExceeded,
    StateConflict,
)

Errors = tuple[type[GatewayError], ...]

_PANEL: Final[Errors] = (PanelMisconfigured, PanelUnavailable, PanelUnsupported)
_POLICY: Final[Errors] = (FieldNotAllowed, QuotaExceeded, BouquetNotAllowed, PanelRefusedValues)
_ONLY_LINES: Final[Errors] = (CredentialsOutOfSync, PanelLineGated)

READ_DEVICE: Final[Errors] = (NotFound, StateConflict, *_PANEL)
READ_LINE: Final[Errors] = (NotFound, *_PANEL, *_ONLY_LINES)

#: Adopting what is on a panel; the names may be taken here.
IMPORT_DEVICE: Final[Errors] = (*READ_DEVICE, ExternalIdTaken)
IMPORT_LINE: Final[Errors] = (*READ_LINE, ExternalIdTaken)

CREATE: Final[Errors] = (*_POLICY, NotFound, ExternalIdTaken, *_PANEL, PanelOutcomeUnknown)

#: A verb; some may be refused for their values too.
SWITCH_DEVICE: Final[Errors] = (NotFound, StateConflict, *_PANEL, PanelOutcomeUnknown)
SWITCH_LINE: Final[Errors] = (*SWITCH_DEVICE, *_ONLY_LINES)
RENEW_DEVICE: Final[Errors] = (*SWITCH_DEVICE, FieldNotAllowed, PanelRefusedValues)
RENEW_LINE: Final[Errors] = (*RENEW_DEVICE, *_ONLY_LINES)
CHANGE_DEVICE: Final[Errors] = (*SWITCH_DEVICE, *_POLICY, ExternalIdTaken)
CHANGE_LINE: Final[Errors] = (*CHANGE_DEVICE, *_ONLY_LINES)

#: Deciding a drift. Enforcing sends all values at once, which the panel may refuse.
ADOPT: Final[Errors] = (
    NotFound,
    StateConflict,
    FieldNotAllowed,
    QuotaExceeded,
    BouquetNotAllowed,
)
ENFORCE_DEVICE: Final[Errors] = (*SWITCH_DEVICE, PanelRefusedValues)
ENFORCE_LINE: Final[Errors] = (*ENFORCE_DEVICE, *_ONLY_LINES)
