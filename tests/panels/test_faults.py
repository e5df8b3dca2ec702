"""Faults of a panel, made by the simulator: no lie, no wrong success, no second change."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.domain.calls import CreatedLine, Edited, LineInfo
from gateway.domain.errors import (
    GatewayError,
    PanelLineGated,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelUnavailable,
)
from gateway.simulator.faults import RuleForm
from tests.panels.makers import a_pair
from tests.panels.talk import Talk, talking

Fault = tuple[str, dict[str, Any]]

#: What hides the outcome of a change, with the error of a read that meets it every time.
HIDING: dict[str, tuple[Fault, type[GatewayError]]] = {
    "500 with effect": (("status", {"code": 500, "effect": "before"}), PanelUnavailable),
    "500 without effect": (("status", {"code": 500, "effect": "none"}), PanelUnavailable),
    "502": (("status", {"code": 502}), PanelUnavailable),
    "503": (("status", {"code": 503}), PanelUnavailable),
    "504": (("status", {"code": 504}), PanelUnavailable),
    "login page": (("status", {"code": 200}), PanelMisconfigured),
    "empty": (("empty_200", {}), PanelMisconfigured),
    "404 page": (("refuse", {"kind": "404 html"}), PanelMisconfigured),
    "database down": (("db_down", {}), PanelUnavailable),
    "database refuses": (("db_auth", {}), PanelUnavailable),
    "no config": (("no_config", {}), PanelMisconfigured),
    "reset at once": (("reset_at", {"k_out": 0}), PanelUnavailable),
    "reset in the head": (("reset_at", {"k_out": 20}), PanelUnavailable),
    "cut at once": (("truncate", {"k": 0}), PanelMisconfigured),
    "cut in the body": (("truncate", {"k": 9}), PanelUnavailable),
    "noise after": (("php_noise", {"where": "after"}), PanelUnavailable),
}


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    async with talking("v2") as opened:
        yield opened


def break_it(talk: Talk, fault: Fault) -> None:
    talk.simulated.faults.add(RuleForm(fault=fault[0], params=fault[1]))


def asked(talk: Talk) -> int:
    return len(talk.simulated.ledger.since(0))


@pytest.mark.parametrize("case", HIDING)
async def test_a_change_whose_answer_is_hidden_is_unknown_and_sent_once(
    talk: Talk, case: str
) -> None:
    await talk.create(credentials=a_pair("alice"))
    before = asked(talk)
    break_it(talk, HIDING[case][0])
    with pytest.raises(PanelOutcomeUnknown):
        await talk.create()
    with pytest.raises(PanelOutcomeUnknown):
        await talk.edit(credentials=a_pair("alice"), enabled=True)
    assert asked(talk) == before + 2


@pytest.mark.parametrize("case", HIDING)
async def test_a_read_that_never_gets_an_answer_says_why(talk: Talk, case: str) -> None:
    await talk.create()
    break_it(talk, HIDING[case][0])
    talk.seconds = 0.9  # Too short for another attempt.
    with pytest.raises(HIDING[case][1]):
        await talk.info()


@pytest.mark.parametrize("kind", ["warning", "notice", "blank", "bom"])
async def test_noise_before_the_answer_does_no_harm(talk: Talk, kind: str) -> None:
    break_it(talk, ("php_noise", {"kind": kind}))
    assert isinstance(await talk.create(), CreatedLine)
    assert await talk.edit(enabled=True) == Edited()
    assert isinstance(await talk.info(), LineInfo)


async def test_a_redirect_hides_the_outcome_of_a_change_and_then_nothing_more_is_sent(
    talk: Talk,
) -> None:
    break_it(talk, ("status", {"code": 302}))
    with pytest.raises(PanelOutcomeUnknown):
        await talk.create()
    for call in (talk.create, talk.info):
        with pytest.raises(PanelMisconfigured):
            await call()
    assert asked(talk) == 1


@pytest.mark.parametrize("kind", ["IP FORBIDDEN", "KEY WRONG"])
async def test_a_refusal_of_the_gateway_is_definite(talk: Talk, kind: str) -> None:
    break_it(talk, ("refuse", {"kind": kind}))
    for call in (talk.create, talk.info):
        with pytest.raises(PanelMisconfigured):
            await call()
    assert len(talk.simulated.tables["users"]) == 0


async def test_an_empty_404_gates_an_edit_and_a_read_and_leaves_a_create_unknown(
    talk: Talk,
) -> None:
    break_it(talk, ("refuse", {"kind": "404 empty"}))
    with pytest.raises(PanelLineGated):
        await talk.edit(enabled=True)
    with pytest.raises(PanelLineGated):
        await talk.info()
    with pytest.raises(PanelOutcomeUnknown):
        await talk.create()


@pytest.mark.parametrize("when", ["delay_before", "delay_after"])
async def test_a_slow_panel_is_given_up_at_the_deadline(talk: Talk, when: str) -> None:
    break_it(talk, (when, {"seconds": 1.5}))
    talk.seconds = 0.3
    began = time.monotonic()
    with pytest.raises(PanelOutcomeUnknown):
        await talk.create()
    assert time.monotonic() - began < 1
