"""A device: a set-top box, known to its panel by its MAC, with a line of the panel's behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.domain.calls import DeviceInfo
from gateway.domain.ids import DeviceId, PanelId, ResellerId
from gateway.domain.subscriptions import Filter, NewSubscription, ObservedInfo, Subscription

_HEX: Final = re.compile(r"[0-9A-Fa-f]{12}", re.ASCII)
_SPELLINGS: Final = (
    re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", re.ASCII),
    re.compile(r"(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}", re.ASCII),
    re.compile(r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}", re.ASCII),
    _HEX,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Subscription):
    """A set-top box. `mac` in upper case with colons; `panel_device_id` is the panel's number."""

    id: DeviceId
    mac: str
    panel_device_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedDevice:
    """A device together with what its panel last said.

    `info` None: the panel has not been asked (pending, unknown and terminated devices).
    """

    device: Device
    info: ObservedInfo | None

    @property
    def device_info(self) -> DeviceInfo | None:
        """Return what the panel said of the device itself."""
        said = None if self.info is None else self.info.info
        return said if isinstance(said, DeviceInfo) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice(NewSubscription):
    """A device to make; `mac` as `normal_mac` returns it."""

    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFilter(Filter):
    """Which devices to list; `mac` as `normal_mac` returns it."""

    mac: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceImport:
    """A device that is on a panel already, to be adopted; `mac` as `normal_mac` returns it."""

    panel_id: PanelId
    reseller_id: ResellerId | None
    mac: str
    external_id: str | None = None


def normal_mac(text: str) -> str:
    """Return a MAC in the one spelling that we send: `00:1A:79:AB:CD:EF`.

    A panel does not check MACs, and other spellings are other devices to it, so every spelling
    (colons, dashes, Cisco dots, bare hex) becomes this one before anything else.

    Raises:
        ValueError: not the spelling of a MAC.
    """
    trimmed = text.strip()
    if not any(spelling.fullmatch(trimmed) for spelling in _SPELLINGS):
        raise ValueError("not a MAC such as 00:1A:79:AB:CD:EF")
    digits = re.sub(r"[:.-]", "", trimmed).upper()
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))
