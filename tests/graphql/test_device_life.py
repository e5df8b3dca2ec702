"""The whole life of a device through GraphQL, on both databases and both sorts of panel."""

from __future__ import annotations

from tests.graphql.asking import DEVICE, ask, change, do
from tests.world import World

SHOWN = f"device {{ {DEVICE} }}"
MAC = "00:1A:79:AB:CD:EF"


async def test_a_device_lives_its_whole_life(life: World) -> None:
    api = life.a.api
    made = await do(
        api,
        "createDevice",
        {"mac": "001a.79ab.cdef", "neverExpires": True, "bouquetIds": [1], "externalId": "box-1"},
        SHOWN,
    )
    device = made["device"]
    assert (device["mac"], device["state"], device["expiresAt"]) == (MAC, "ACTIVE", None)
    found = await ask(
        api,
        '{ deviceByMac(mac: "00-1a-79-ab-cd-ef") { id activeConnections'
        " info { mac panelDeviceId enabled } bouquets { id } }"
        ' deviceByExternalId(externalId: "box-1") { id } }',
    )
    assert found["deviceByMac"]["id"] == found["deviceByExternalId"]["id"] == device["id"]
    assert found["deviceByMac"]["info"]["mac"] == MAC

    this = {"id": device["id"]}
    assert (await do(api, "suspendDevice", this, SHOWN))["device"]["state"] == "SUSPENDED"
    assert (await do(api, "resumeDevice", this, SHOWN))["device"]["state"] == "ACTIVE"
    changed = await do(api, "updateDevice", this | {"bouquetIds": [2, 3]}, SHOWN)
    assert changed["device"]["bouquetIds"] == [2, 3]
    renewed = await do(api, "renewDevice", this | {"expiresAt": "2037-01-31T00:00:00Z"}, SHOWN)
    assert renewed["device"]["expiresAt"] == "2037-01-31T00:00:00Z"
    put = await do(
        api,
        "putDevice",
        {"externalId": "box-1", "mac": MAC, "neverExpires": True, "bouquetIds": [1]},
        f"created {SHOWN}",
    )
    assert (put["created"], put["device"]["bouquetIds"]) == (False, [1])
    ended = await do(api, "terminateDevice", this, SHOWN)
    assert ended["device"]["state"] == "TERMINATED"
    taken = await change(api, "createDevice", {"mac": MAC, "period": "P1M"})
    assert taken["code"] == "mac_taken"
