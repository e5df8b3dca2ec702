"""Every kind by its name: what the engine can run from a stored row."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from gateway.services.change import ChangeKind
from gateway.services.device_create import CreateDeviceKind
from gateway.services.device_noun import DEVICES
from gateway.services.enforce import EnforceKind
from gateway.services.kinds import AnyKind
from gateway.services.line_create import CreateLineKind
from gateway.services.line_noun import LINES
from gateway.services.line_password import RotatePasswordKind
from gateway.services.renew import RenewKind
from gateway.services.stray_kind import StrayKind
from gateway.services.switches import ResumeKind, SuspendKind, TerminateKind

CREATE_LINE: Final = CreateLineKind()
CHANGE_LINE: Final = ChangeKind(LINES)
RENEW_LINE: Final = RenewKind(LINES)
SUSPEND_LINE: Final = SuspendKind(LINES)
RESUME_LINE: Final = ResumeKind(LINES)
TERMINATE_LINE: Final = TerminateKind(LINES)
ENFORCE_LINE: Final = EnforceKind(LINES)
ROTATE_PASSWORD: Final = RotatePasswordKind()

CREATE_DEVICE: Final = CreateDeviceKind()
CHANGE_DEVICE: Final = ChangeKind(DEVICES)
RENEW_DEVICE: Final = RenewKind(DEVICES)
SUSPEND_DEVICE: Final = SuspendKind(DEVICES)
RESUME_DEVICE: Final = ResumeKind(DEVICES)
TERMINATE_DEVICE: Final = TerminateKind(DEVICES)
ENFORCE_DEVICE: Final = EnforceKind(DEVICES)

DISABLE_STRAY_LINE: Final = StrayKind(LINES)
DISABLE_STRAY_DEVICE: Final = StrayKind(DEVICES)

_ALL: Final[tuple[AnyKind, ...]] = (
    CREATE_LINE,
    CHANGE_LINE,
    RENEW_LINE,
    SUSPEND_LINE,
    RESUME_LINE,
    TERMINATE_LINE,
    ENFORCE_LINE,
    ROTATE_PASSWORD,
    CREATE_DEVICE,
    CHANGE_DEVICE,
    RENEW_DEVICE,
    SUSPEND_DEVICE,
    RESUME_DEVICE,
    TERMINATE_DEVICE,
    ENFORCE_DEVICE,
    DISABLE_STRAY_LINE,
    DISABLE_STRAY_DEVICE,
)
KINDS: Final = MappingProxyType({kind.name: kind for kind in _ALL})


def kind_named(name: str) -> AnyKind:
    """Return the kind of a stored operation.

    Raises:
        KeyError: the row was written by a newer version of the gateway.
    """
    return KINDS[name]
