"""What is sent of devices. A public contract, written out by hand."""

from __future__ import annotations

import strawberry

from gateway.api.graphql.describe import about, given
from gateway.api.graphql.subscription_inputs import (
    CreateFields,
    FilterFields,
    ImportFields,
    RenewFields,
    SwitchFields,
    UpdateFields,
)


@strawberry.input(
    description="A device to create. Exactly one of expiresAt, period and neverExpires: true."
)
class CreateDeviceInput(CreateFields):
    """A device to create."""

    mac: str = about("Colons, dashes, dots or bare hex; in any case.")


@strawberry.input(
    description="How the device with your own id should be: it is created, or brought in step. "
    "MAC and panel of a device that is there cannot change."
)
class PutDeviceInput(CreateDeviceInput):
    """How the device of an external id should be."""

    external_id: str = about("Your own id: which line.")


@strawberry.input(description="What to change of a device; what is left out stays.")
class UpdateDeviceInput(UpdateFields):
    """What to change of a device."""


@strawberry.input(
    description="Until when a device shall play: exactly one of expiresAt, period and "
    "neverExpires: true."
)
class RenewDeviceInput(RenewFields):
    """Until when a device shall play."""


@strawberry.input(description="Which device to suspend, and why.")
class SuspendDeviceInput(SwitchFields):
    """Which device to suspend."""


@strawberry.input(description="Which device to resume, and why.")
class ResumeDeviceInput(SwitchFields):
    """Which device to resume."""


@strawberry.input(description="Which device to end for good, and why.")
class TerminateDeviceInput(SwitchFields):
    """Which device to end."""


@strawberry.input(description="A device that is on a panel already, to be adopted as it is.")
class ImportDeviceInput(ImportFields):
    """A device to adopt."""

    mac: str = about("Its MAC on the panel, in any spelling.")


@strawberry.input(description="Which devices; what is left out does not narrow.")
class DeviceFilter(FilterFields):
    """Which devices."""

    mac: str | None = given("With this MAC, in any spelling.")
