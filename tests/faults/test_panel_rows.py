"""Rows P of the fault matrix: what a panel, or the wire to it, does to changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any, Final

import pytest
from _pytest.mark import ParameterSet

from tests.faults.orders import (
    CHANGES,
    Order,
    Sort,
    ask_until_sent,
    end_truthfully,
    orders,
)
from tests.faults.rig import Rig
from tests.servers.fault_proxy import Wire, at, of_http
from tests.servers.flags import flag
from tests.servers.plugin import DATABASE_KINDS

#: Orders of each sort in each row.
EACH: Final = 200 if flag("LONG") else 5
#: Clients that ask at the same time: few, so that only the fault makes a panel slow.
AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fault that the first call of every change meets; each must end as done, once.

    `faults`: of the panel, each with its parameters; `wires`: of the way to it. Orders take turns.
    """

    id: str
    sorts: Sequence[Sort] = CHANGES
    faults: tuple[tuple[str, dict[str, Any]], ...] = ()
    wires: tuple[Wire, ...] = ()


def _status(code: int, effect: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "status", {"code": code, "effect": effect} | more


_CUTS: Final = (of_http(0), of_http(0.5), of_http(1, but=1))
_AWAY: Final = "http://127.0.0.1:9/login"
ROWS: Final = (
    Row(id="P02", faults=(("delay_before", {"seconds": 2, "effect": "none"}),)),
    Row(id="P03", faults=(("delay_after", {"seconds": 2}),)),
    Row(id="P04", faults=(("ghost_write", {"seconds": 0.1}),)),
    Row(
        id="P06",
        wires=tuple(
            Wire(reset_request=cut) for cut in (of_http(0), of_http(0.5), of_http(1, but=1))
        ),
    ),
    Row(id="P07", wires=tuple(Wire(reset_answer=at(count)) for count in (0, 60, 170))),
    Row(id="P08", faults=tuple(_status(code, "before") for code in (500, 502, 503, 504))),
    Row(id="P09", faults=(_status(500, "none"),)),
    Row(
        id="P10",
        faults=(
            _status(200, "before"),
            _status(200, "none"),
            _status(200, "before", body="<b>Fatal error</b>: Allowed memory size exhausted"),
        ),
    ),
    Row(
        id="P11",
        faults=(
            ("php_noise", {"kind": "warning", "where": "after"}),
            _status(200, "before", body='{"result":true,"result":false}'),
            _status(200, "before", body='{"result":NaN}'),
            _status(200, "none", body='{"result":"true"}'),
            _status(200, "before", body_gen={"repeat": "[", "count": 10_000}),
            _status(200, "none", body_gen={"repeat": " ", "count": 2_000_000, "suffix": "{}"}),
            _status(200, "before", body="junk", headers={"Content-Encoding": "gzip"}),
        ),
    ),
    Row(
        id="P12",
        faults=tuple(
            _status(code, e, location=_AWAY) for e in ("before", "none") for code in (301, 302)
        ),
    ),
    Row(id="P13", wires=(Wire(bytes_per_second=1),), faults=(("slow_drip", {"stall_after": 60}),)),
)


def _cases() -> Iterator[ParameterSet]:
    """Pair rows and databases: all of both in the long mode, by turns otherwise."""
    for number, row in enumerate(ROWS):
        for kind in DATABASE_KINDS if flag("LONG") else DATABASE_KINDS[number % 2 :][:1]:
            yield pytest.param(kind, row, id=f"{row.id}-{kind}")


@pytest.mark.parametrize(("database_url", "row"), [*_cases()], indirect=["database_url"])
async def test_row(rig: Rig, row: Row) -> None:
    """What every client is told, what becomes of it, and what the panel has then: once."""
    wanted = await orders(rig.world, row.sorts, EACH)
    for order, (fault, params) in zip(wanted, cycle(row.faults), strict=False):
        match = {"sub": order.sort.sub, "field": order.field}
        rig.world.fault({"match": match, "fault": fault, "params": params})
    if row.wires:
        subs = (b"sub=create", b"sub=edit")
        rig.wire.wires = tuple(replace(wire, when=subs) for wire in row.wires)
    serving = await rig.fleet.serve()
    await ask_until_sent(wanted, serving.world.a.api)
    _check_told(wanted)
    rig.world.simulator.panel.faults.clear()
    await rig.wire.mend()
    rig.fleet.work()
    await end_truthfully(rig.world, wanted, rig.fleet.logs())


def _check_told(wanted: Sequence[Order]) -> None:
    """Expect the truth: sent and not known yet; or, where it came to that, surely not sent.

    The latter: a panel that redirects is left alone for a while, and on a machine that is busy a
    second may pass before a change is sent, which is all that it has here.
    """
    unsent = {503: "panel_unavailable", 502: "panel_misconfigured"}
    for order in wanted:
        for told in order.answers:
            code = None if told.status_code == 202 else told.json()["code"]
            assert code == unsent.get(told.status_code), str(order)
    assert any(order.answer.status_code == 202 for order in wanted)
