"""Panels and resellers: how a line is suspended, how patches merge, whose rows are whose."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.panels import Budget, FloodGuard, Probe, SuspendBy
from gateway.domain.resellers import PanelAccount, Policy, owner_path
from tests.factories import NOW, PANEL_ID, a_panel, a_reseller

OTHER = PanelId("pnl_other")


def probed(firewall: bool | None) -> Probe:
    return Probe(
        reachable=True,
        dialect="xtream_v2",
        firewall=firewall,
        credits=None,
        warnings=(),
        checked_at=NOW,
    )


@pytest.mark.parametrize(
    ("setting", "firewall", "by"),
    [
        (None, "no probe", SuspendBy.ENABLED),
        (None, None, SuspendBy.ENABLED),
        (None, False, SuspendBy.ENABLED),
        (None, True, SuspendBy.BOUQUETS),
        (SuspendBy.ENABLED, True, SuspendBy.ENABLED),
        (SuspendBy.BOUQUETS, False, SuspendBy.BOUQUETS),
        (SuspendBy.BOUQUETS, "no probe", SuspendBy.BOUQUETS),
    ],
)
def test_the_operator_says_how_lines_are_suspended_else_the_probe(
    setting: SuspendBy | None, firewall: Any, by: SuspendBy
) -> None:
    probe = None if firewall == "no probe" else probed(firewall)
    assert a_panel(suspend_by=setting, probe=probe).suspends_lines_by is by


@pytest.mark.parametrize(
    ("budget", "changes", "expected"),
    [
        (Budget(), {}, Budget()),
        (Budget(), {"burst": 9}, Budget(burst=9)),
        (Budget(), {"flood_guard": None}, Budget(flood_guard=None)),
        (
            Budget(flood_guard=FloodGuard(calls=7, gap_seconds=1.5)),
            {"flood_guard": {"calls": 8}},
            Budget(flood_guard=FloodGuard(calls=8, gap_seconds=1.5)),
        ),
        (Budget(flood_guard=None), {"flood_guard": {}}, Budget()),
        (
            Budget(flood_guard=None),
            {"flood_guard": {"gap_seconds": 9.0}, "in_flight": 1},
            Budget(in_flight=1, flood_guard=FloodGuard(gap_seconds=9.0)),
        ),
    ],
)
def test_a_budget_merges_member_by_member(
    budget: Budget, changes: dict[str, Any], expected: Budget
) -> None:
    assert budget.merged(changes) == expected


def test_without_a_list_a_reseller_may_use_the_panels_of_its_accounts() -> None:
    accounts = (
        PanelAccount(panel_id=PANEL_ID, member_id=7),
        PanelAccount(panel_id=OTHER, member_id=8),
    )
    open_one = a_reseller(panel_accounts=accounts, policy=Policy())
    assert open_one.panel_ids == (PANEL_ID, OTHER)
    assert open_one.effective_policy == Policy(panel_ids=(PANEL_ID, OTHER))
    bound = a_reseller(panel_accounts=accounts, policy=Policy(panel_ids=(OTHER,)))
    assert bound.panel_ids == (OTHER,)
    assert a_reseller(panel_accounts=accounts, policy=Policy(panel_ids=())).panel_ids == ()
    assert bound.member_id_on(OTHER) == 8
    assert bound.member_id_on(PanelId("pnl_none")) is None


def test_a_path_names_every_reseller_above_and_ends_in_a_slash() -> None:
    top = owner_path("/", ResellerId("rsl_a"))
    assert top == "/rsl_a/"
    assert owner_path(top, ResellerId("rsl_b")) == "/rsl_a/rsl_b/"
