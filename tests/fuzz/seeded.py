"""A real gateway with something in it: a panel, an operator, and two resellers with things.

For whatever writes requests by itself and needs ids that lead somewhere, over REST or GraphQL.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.process.conftest import DemoProcess

#: What the owner calls things; nobody else can guess it.
#: Nothing is sent to it.
ENDPOINT: Final = {"url": "https://shop.example/hooks", "event_types": ["audit.checkpoint"]}
#: All that happens is sent to it, and nothing gets there: there is no such name.
UNREACHABLE: Final = {"url": "https://shop.example/hooks"}
SOURCE: Final = {
    "kind": "stripe",
    "secrets": ["whsec_of-nobody"],
    "rules": "stripe_subscriptions",
}
EXTERNAL_IDS: Final = {"a": "only-a-knows", "b": "only-b-knows"}


#: Who writes requests by itself writes many.
PLENTY: Final = {
    f"GATEWAY_LIMITS__{name}": "600000/60" for name in ("DEFAULT", "RESELLER", "TARGET")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Someone with a key. Ids are by prefix, such as `line`; `spare` ones may come to an end."""

    key: str
    key_id: str
    ids: Mapping[str, str] = field(default_factory=dict)
    spare: Mapping[str, str] = field(default_factory=dict)
    external_id: str = ""
    #: By what its line and its device can be looked up.
    looked_up_by: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """Where the gateway and its panel are, and who is there."""

    base_url: str
    panel_url: str
    panel_control_url: str
    operator: Account
    a: Account
    b: Account

    def get(self, account: Account, path: str) -> dict[str, Any]:
        """Read something, which must be there."""
        answer = httpx2.get(f"{self.base_url}{path}", headers=_bearer(account.key))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def panel_row(self, username: str) -> dict[str, Any]:
        """Return what the panel has of a line."""
        rows = httpx2.get(f"{self.panel_control_url}/tables/users").json()["rows"]
        (found,) = [dict(row) for row in rows if row["username"] == username]
        return found


@contextmanager
def seeded_gateway(var: Path) -> Iterator[Seeded]:
    """Serve the whole product on free ports until the block ends; its state is in *var*."""
    demo = DemoProcess(var)
    try:
        yield _seed(demo.start(env=PLENTY).described)
    finally:
        if demo.process is not None:
            demo.stop()


def _seed(described: dict[str, Any]) -> Seeded:
    operator = _Hand(described["base_url"], described["operator_key"])
    panel = described["panel_id"]
    resellers = described["resellers"]
    a, b = (
        _reseller(_Hand(described["base_url"], it["key"]), it["id"], panel, name, number)
        for number, (name, it) in enumerate(zip("ab", resellers, strict=True))
    )
    spare_panel = operator.make(
        "/v1/panels",
        {"name": "Spare", "dialect": "xtream_v2", "base_url": described["panel_url"]},
    )
    accounts = [{"panel_id": panel, "member_id": 1}]
    spare_reseller = operator.make("/v1/resellers", {"name": "Spare", "panel_accounts": accounts})
    return Seeded(
        base_url=described["base_url"],
        panel_url=described["panel_url"],
        panel_control_url=described["panel_control_url"],
        operator=Account(
            key=described["operator_key"],
            key_id=operator.key_id(),
            ids=a.ids,
            external_id=a.external_id,
            looked_up_by=a.looked_up_by,
            spare={
                "line": a.spare["line"],
                "dev": a.spare["dev"],
                "key": operator.make("/v1/keys", {"name": "spare"})["id"],
                "cli": operator.make("/v1/clients", {"name": "spare"})["id"],
                "src": operator.make("/v1/inbound-sources", SOURCE)["id"],
                "whe": operator.make("/v1/webhook-endpoints", ENDPOINT)["id"],
                "pnl": spare_panel["id"],
                "rsl": spare_reseller["id"],
            },
        ),
        a=a,
        b=b,
    )


def _delivery(hand: _Hand, endpoint_id: str) -> str:
    """Return a delivery to an endpoint; the workers of the process make one soon."""
    for _ in range(200):
        found = hand.get(f"/v1/webhook-endpoints/{endpoint_id}/deliveries")["data"]
        if found:
            return str(found[0]["id"])
        time.sleep(0.1)
    raise AssertionError("no delivery was made")


def _reseller(hand: _Hand, reseller_id: str, panel_id: str, name: str, number: int) -> Account:
    external_id, username, mac = EXTERNAL_IDS[name], f"owned-by-{name}", f"00:1A:79:AB:CD:0{number}"
    hooked = hand.make("/v1/webhook-endpoints", UNREACHABLE)["id"]
    line = hand.make(
        "/v1/lines", {"period": "P1M", "external_id": external_id, "username": username}
    )
    device = hand.make("/v1/devices", {"period": "P1M", "external_id": external_id, "mac": mac})
    operations = hand.get(f"/v1/operations?resource_id={line['id']}")
    events = hand.get(f"/v1/events?resource_id={line['id']}")
    return Account(
        key=hand.key,
        key_id=hand.key_id(),
        ids={
            "line": line["id"],
            "dev": device["id"],
            "op": operations["data"][0]["id"],
            "evt": events["data"][0]["id"],
            "key": hand.key_id(),
            "cli": hand.make("/v1/clients", {"name": "kept"})["id"],
            "src": hand.make("/v1/inbound-sources", SOURCE)["id"],
            "whe": hand.make("/v1/webhook-endpoints", ENDPOINT)["id"],
            "dlv": _delivery(hand, hooked),
            "rsl": reseller_id,
            "pnl": panel_id,
        },
        spare={
            "line": hand.make("/v1/lines", {"period": "P1M"})["id"],
            "dev": hand.make("/v1/devices", {"period": "P1M", "mac": f"{mac[:-2]}F{number}"})["id"],
            "key": hand.make("/v1/keys", {"name": "spare"})["id"],
            "cli": hand.make("/v1/clients", {"name": "spare"})["id"],
            "src": hand.make("/v1/inbound-sources", SOURCE)["id"],
            "whe": hand.make("/v1/webhook-endpoints", ENDPOINT)["id"],
        },
        external_id=external_id,
        looked_up_by={"username": username, "password": line["password"], "mac": mac},
    )


class _Hand:
    """Asks as one caller and takes no refusal."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self.key = key

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx2.post(f"{self.base_url}{path}", json=body, headers=_bearer(self.key))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def get(self, path: str) -> dict[str, Any]:
        answer = httpx2.get(f"{self.base_url}{path}", headers=_bearer(self.key))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def key_id(self) -> str:
        return str(self.get("/v1/me")["key_id"])


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
