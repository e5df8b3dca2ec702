"""The demo's panel, operator key and two resellers, made once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gateway.demo import files
from gateway.domain.idempotency import Idempotency
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.keys import NewKey
from gateway.domain.panels import Bouquet, Budget, NewPanel, PanelChanges
from gateway.domain.resellers import NewReseller, PanelAccount, Policy
from gateway.services import keys, panels, resellers
from gateway.services.context import Context, Ports
from gateway.workers.recovery import system_context

#: The simulated panel has no limits of its own; a real one is asked far less.
BUDGET: Final = Budget(calls_per_second=500.0, burst=200, in_flight=32, flood_guard=None)
#: What the simulated panel starts with.
BOUQUETS: Final = (
    Bouquet(id=1, name="Basic"),
    Bouquet(id=2, name="Sport"),
    Bouquet(id=3, name="Movies & Series"),
)
#: Account 2 of the simulated panel is a reseller's, account 1 the administrator's.
RESELLERS: Final = (("Demo reseller A", 2), ("Demo reseller B", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReseller:
    """A demo reseller and its key."""

    id: str
    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What the demo made."""

    panel_id: str
    operator_key: str
    resellers: tuple[DemoReseller, ...]


async def seed(ports: Ports, var: Path, *, panel_url: str) -> Demo:
    """Return the demo's things, making those that are not there yet."""
    noted = files.read_json(var / files.SEED_JSON)
    context = system_context(ports, "demo")

    def note(name: str, value: str) -> str:
        noted[name] = value
        files.write_private_json(var / files.SEED_JSON, noted)
        return value

    if "panel_id" not in noted:
        note("panel_id", await _panel(context, panel_url))
    panel_id = PanelId(noted["panel_id"])
    await _point_at(context, panel_id, panel_url)
    if "operator_key" not in noted:
        note("operator_key", await _key(context, "Demo operator", None))
    made = []
    for name, member_id in RESELLERS:
        if f"{name}.id" not in noted:
            note(f"{name}.id", await _reseller(context, name, panel_id, member_id))
        reseller_id = ResellerId(noted[f"{name}.id"])
        if f"{name}.key" not in noted:
            note(f"{name}.key", await _key(context, name, reseller_id))
        made.append(DemoReseller(id=reseller_id, name=name, key=noted[f"{name}.key"]))
    return Demo(panel_id=panel_id, operator_key=noted["operator_key"], resellers=tuple(made))


def _once(context: Context, what: str) -> Context:
    """Return the context under a key of its own: made again after a kill, it is the same one."""
    return replace(context, idempotency=Idempotency(f"demo:{what}", what.encode()))


async def _panel(context: Context, url: str) -> str:
    new = NewPanel(
        name="Demo panel", dialect="xtream_v2", base_url=url, budget=BUDGET, bouquets=BOUQUETS
    )
    outcome = await panels.create_panel(_once(context, "panel"), new)
    return outcome.made().id


async def _point_at(context: Context, panel_id: PanelId, url: str) -> None:
    """Follow the panel to another port, and look what it is."""
    panel = await panels.get_panel(context, panel_id)
    if panel.base_url != url:
        await panels.change_panel(context, panel_id, PanelChanges(base_url=url))
    await panels.probe_panel(context, panel_id)


async def _reseller(context: Context, name: str, panel_id: PanelId, member_id: int) -> str:
    """Make a reseller that may try everything."""
    policy = Policy(
        panel_ids=(panel_id,),
        max_connections=None,
        trials_per_day=None,
        may_restream=True,
        may_never_expire=True,
    )
    account = PanelAccount(panel_id=panel_id, member_id=member_id)
    new = NewReseller(name=name, panel_accounts=(account,), policy=policy)
    outcome = await resellers.create_reseller(_once(context, name), new)
    return outcome.made().id


async def _key(context: Context, name: str, reseller_id: ResellerId | None) -> str:
    new = NewKey(name=name, reseller_id=reseller_id)
    outcome = await keys.issue_key(_once(context, f"key {name}"), new)
    return outcome.made().secret.reveal()
