"""Devices. A public contract, written out by hand; the values are REST's answers."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.api.graphql.audit import AuditEntry
from gateway.api.graphql.call import Info
from gateway.api.graphql.credits import Credits
from gateway.api.graphql.describe import about, argument, asking, field
from gateway.api.graphql.device_inputs import DeviceFilter
from gateway.api.graphql.names import in_arguments
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.related import audit_of, bouquets_of, credits_of, seen_of
from gateway.api.graphql.shown import Node, Shown, read_by_id
from gateway.api.graphql.subscription_types import (
    Bouquet,
    InfoFields,
    Observed,
    SubscriptionFields,
)
from gateway.api.rest import device_answers
from gateway.api.rest import devices as rest
from gateway.api.rest.device_requests import DeviceLookup, DeviceQuery
from gateway.api.rest.subscription_requests import FindQuery
from gateway.domain.errors import InvalidRequest
from gateway.domain.ids import DeviceId


@strawberry.type(description="Everything the panel says of a device; null where it is silent.")
class DeviceInfo(InfoFields, Shown):
    """Everything the panel says of a device."""

    out = device_answers.DeviceInfoOut

    device_id: strawberry.ID = about("Which device.")
    mac: str = about("Its MAC on the panel.")
    panel_device_id: int = about("The panel's number of the box.")


@strawberry.type(description="A set-top box, known to its panel by its MAC.")
class Device(SubscriptionFields, Node, Shown):
    """A set-top box."""

    out = device_answers.DeviceOut

    mac: str = about("In upper case with colons; unique on its panel.")
    panel_device_id: int | None = about("The panel's number of the box; null until it is known.")

    @asking(shared=True)
    async def active_connections(self, info: Info) -> int | None:
        """Streams that play now, as the panel says; null where it is silent or cannot be asked."""
        seen = await seen_of(info.context.loaders.device_infos, self)
        return None if seen is None else seen.active_connections

    @asking(shared=True)
    async def observed(self, info: Info) -> Observed | None:
        """How old the panel's word is; null where it cannot be asked."""
        seen = await seen_of(info.context.loaders.device_infos, self)
        return None if seen is None else seen.observed

    @asking(shared=True)
    async def info(self, info: Info) -> DeviceInfo | None:
        """Everything the panel says of it, from the cache while that is fresh."""
        device_id = DeviceId(self.id)
        seen = await info.context.loaders.device_infos.load(device_id)
        return device_answers.info_out(device_id, seen)  # type: ignore[return-value]  # Shown as it.

    @field
    async def bouquets(self, info: Info) -> list[Bouquet] | None:
        """Its bouquets, with their names where you may know them."""
        return await bouquets_of(info, self)  # type: ignore[arg-type]  # REST's answer.

    @asking()
    async def credits(self, info: Info) -> Credits | None:
        """What its reseller has left."""
        return await credits_of(info, self)  # type: ignore[no-any-return, arg-type]  # As above.

    @field
    async def audit_entries(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
    ) -> Connection[AuditEntry] | None:
        """What was done with it, newest first."""
        return await audit_of(info, self.id, first, after)


@strawberry.type
class DeviceQueries:
    """What can be asked of devices."""

    @asking()
    async def device(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which device.")]
    ) -> Device | None:
        """Read a device with what its panel last said, from the cache while that is fresh."""
        return await read_by_id(rest.get_device, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.

    @asking()
    async def device_by_external_id(
        self,
        info: Info,
        external_id: Annotated[str, argument("Your own id for it.")],
        reseller_id: Annotated[
            strawberry.ID | None, argument("Whose external id; for operators.")
        ] = None,
    ) -> Device | None:
        """Read a device by your own id."""
        pairs = () if reseller_id is None else (("reseller_id", str(reseller_id)),)
        found = await rest.get_device_by_external_id.endpoint(
            info.context.reading, external_id=external_id, query=FindQuery.of(pairs)
        )
        return found.value  # type: ignore[no-any-return]  # Shown as it.

    @asking()
    async def device_by_mac(
        self,
        info: Info,
        mac: Annotated[str, argument("Colons, dashes, dots or bare hex; in any case.")],
    ) -> Device | None:
        """Find the device with this MAC."""
        try:
            body = DeviceLookup.read({"mac": mac})
        except InvalidRequest as error:
            raise in_arguments(error, "") from None
        found = await rest.look_up_device.endpoint(info.context.reading, body=body)
        return found.value  # type: ignore[no-any-return]  # Shown as it.

    @field
    async def devices(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[DeviceFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[Device]:
        """List devices, newest first, as the gateway knows them; ask for `info` to ask panels."""
        return await connection(
            DeviceQuery,
            first,
            after,
            filter,
            lambda query: rest.list_devices.endpoint(info.context.reading, query=query),
        )
