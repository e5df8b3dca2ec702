"""Every kind by its name: what the engine can run from a stored row."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from gateway.services.kinds import AnyKind
from gateway.services.line_change import ChangeLineKind
from gateway.services.line_create import CreateLineKind
from gateway.services.line_password import RotatePasswordKind
from gateway.services.line_renew import RenewLineKind
from gateway.services.line_switches import ResumeLineKind, SuspendLineKind, TerminateLineKind

CREATE_LINE: Final = CreateLineKind()
CHANGE_LINE: Final = ChangeLineKind()
RENEW_LINE: Final = RenewLineKind()
SUSPEND_LINE: Final = SuspendLineKind()
RESUME_LINE: Final = ResumeLineKind()
TERMINATE_LINE: Final = TerminateLineKind()
ROTATE_PASSWORD: Final = RotatePasswordKind()

KINDS: Final = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            CREATE_LINE,
            CHANGE_LINE,
            RENEW_LINE,
            SUSPEND_LINE,
            RESUME_LINE,
            TERMINATE_LINE,
            ROTATE_PASSWORD,
        )
    }
)


def kind_named(name: str) -> AnyKind:
    """Return the kind of a stored operation.

    Raises:
        KeyError: the row was written by a newer version of the gateway.
    """
    return KINDS[name]
