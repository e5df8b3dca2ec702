"""What is sent of devices. A public contract, written out by hand."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, WithJsonSchema

from gateway.api.rest.faults import wrong
from gateway.api.rest.subscription_requests import (
    TERM,
    SubscriptionCreate,
    SubscriptionImport,
    SubscriptionPatch,
    SubscriptionQuery,
    SubscriptionRenew,
)
from gateway.api.rest.wire import Wire, example
from gateway.domain.devices import DeviceFilter, DeviceImport, NewDevice, normal_mac
from gateway.domain.ids import IdKind

_EXAMPLE = "00:1A:79:AB:CD:EF"


def _mac(text: str) -> str:
    try:
        return normal_mac(text)
    except ValueError:
        raise wrong("bad_format", f"This must be a MAC such as {_EXAMPLE}.") from None


#: Colons, dashes, Cisco dots or bare hex come in; colons and upper case go on.
Mac = Annotated[
    str,
    Field(max_length=50),
    AfterValidator(_mac),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$|^([0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}$"
            "|^([0-9A-Fa-f]{4}[.]){2}[0-9A-Fa-f]{4}$|^[0-9A-Fa-f]{12}$",
            "examples": [_EXAMPLE],
        }
    ),
]


class DeviceCreate(SubscriptionCreate):
    """A device to create. Exactly one of expires_at, period and never_expires: true."""

    model_config = example(TERM, mac=_EXAMPLE, external_id="whmcs:4712", never_expires=True)

    mac: Mac

    def to_new_device(self) -> NewDevice:
        """Return what the caller asks for, in the services' words."""
        return NewDevice(mac=self.mac, **self.shared())


class DevicePatch(SubscriptionPatch):
    """What may change of a device. The expiry, and what follows metadata, only by operators."""


class DeviceRenew(SubscriptionRenew):
    """Until when. Exactly one of expires_at, period and never_expires: true."""


class DeviceLookup(Wire):
    """Which device, by what is printed on it."""

    model_config = example(mac=_EXAMPLE)

    mac: Mac


class DeviceImportIn(SubscriptionImport):
    """A device that is on its panel already, to be adopted as it is."""

    model_config = example(panel_id="pnl_0123456789abcdefghjkmnpqrs", mac=_EXAMPLE)

    mac: Mac

    def to_import(self) -> DeviceImport:
        """Return what the caller asks for, in the services' words."""
        return DeviceImport(mac=self.mac, **self.shared())


class DeviceQuery(SubscriptionQuery):
    """Which devices to list."""

    kind: ClassVar[IdKind] = IdKind.DEVICE

    mac: Mac | None = None

    def to_filter(self) -> DeviceFilter:
        """Return what narrows the list, in the services' words."""
        return DeviceFilter(**self.filters())
