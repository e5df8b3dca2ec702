"""docs/simulator.md tells of every switch, fault, step, call and check, and its examples work."""

import json
import re
from dataclasses import fields
from pathlib import Path

import msgspec
import pytest

from gateway.simulator import checks
from gateway.simulator.faults import FAULTS, RuleForm
from gateway.simulator.ledger import Record
from gateway.simulator.stepnames import STEPS
from gateway.simulator.surface import ROUTES
from gateway.simulator.switches import PROFILES, Switches
from tests.simulator.asking import a_panel, ask, line_form

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[A-Za-z0-9_]+", GUIDE))
EXAMPLE = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|.*\| `(\{.*\})` \|$", re.MULTILINE)
EXAMPLES = [
    (fault, json.loads(params))
    for names, params in EXAMPLE.findall(GUIDE)
    for fault in re.findall(r"\w+", names)
]


@pytest.mark.parametrize(
    "names",
    [
        PROFILES,
        FAULTS,
        STEPS,
        [field.name for field in fields(Record)],
        [path.strip("/") for _, path in ROUTES],
        checks.report([], allowed=[]).keys() - {"records", "statuses"},
    ],
)
def test_the_guide_names_everything(names: list[str]) -> None:
    known = WORDS | {name for name in names if f"`{name}`" in GUIDE}
    assert set(names) - known == set()


def test_the_guide_names_every_switch() -> None:
    assert {field.name for field in fields(Switches)} - WORDS - {"profile"} == set()


def test_every_fault_has_an_example() -> None:
    assert {fault for fault, _ in EXAMPLES} == set(FAULTS)


@pytest.mark.parametrize(("fault", "params"), EXAMPLES)
async def test_an_example_works(fault: str, params: dict[str, object]) -> None:
    panel = a_panel()
    form = msgspec.convert({"fault": fault, "params": params, "times": 1}, RuleForm)
    rule = panel.faults.add(form, panel.clock.now())
    if fault in ("delay_before", "delay_after", "ghost_write", "pause_at"):
        return  # They wait; other tests see them through.
    calls = {
        "half_mag": ("stb/create", "user_data[mac]=X"),
        "lost_credit": ("reg_user/credits", "id=2&amount=1"),
        "stale_read": ("reg_user/list", ""),
    }
    await ask(panel, *calls.get(fault, ("user/create", line_form())))
    assert rule.applied == 1
    await panel.close()
