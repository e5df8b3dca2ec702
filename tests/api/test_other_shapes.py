"""What may be sent of panels, resellers and keys, and what is shown of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.api.rest.audit import audit_entry_out
from gateway.api.rest.keys import KeyCreate, issued_key_out
from gateway.api.rest.operations import operation_out
from gateway.api.rest.panel_answers import panel_out
from gateway.api.rest.panel_requests import PanelCreate, PanelPatch
from gateway.api.rest.resellers import ResellerCreate, ResellerPatch, reseller_out
from gateway.domain.caller import Permission
from gateway.domain.errors import Fault, InvalidRequest
from gateway.domain.ids import PanelId
from gateway.domain.keys import IssuedKey, NewKey
from gateway.domain.operations import Problem
from gateway.domain.panels import (
    Bouquet,
    Budget,
    FloodGuard,
    NewPanel,
    PanelChanges,
    Probe,
    ProbeWarning,
    SuspendBy,
)
from gateway.domain.resellers import NewReseller, PanelAccount, Policy, ResellerChanges
from gateway.domain.secrets import Secret
from tests.api.support import NOW
from tests.factories import (
    a_key,
    a_line,
    a_panel,
    a_reseller,
    an_asker,
    an_audit_entry,
    an_operation,
)

PANEL_ID = PanelId("pnl_0000000000000000000000000a")


def shown(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


# --- panels --------------------------------------------------------------------------------------


def test_a_panel_as_the_contract_writes_it() -> None:
    body = {
        "name": "Main",
        "dialect": "xtream_v2",
        "base_url": "http://10.0.0.5:25461/",
        "api_pass": None,
        "tls": {"verify": True, "ca_pem": None},
        "budget": {
            "calls_per_second": 5,
            "burst": 5,
            "in_flight": 4,
            "flood_guard": {"calls": 30, "gap_seconds": 2},
        },
        "settle_seconds": 300,
        "suspend_by": None,
        "credit_mode": "ledger",
        "bouquets": [{"id": 1, "name": "Basic"}],
        "extra_columns": [],
    }
    assert PanelCreate.read(body).to_new_panel() == NewPanel(
        name="Main",
        dialect="xtream_v2",
        base_url="http://10.0.0.5:25461",
        settle_seconds=300,
        bouquets=(Bouquet(id=1, name="Basic"),),
    )


def test_the_least_panel_is_a_name_and_an_address() -> None:
    body = {"name": "Main", "base_url": "https://panel.example/sub/"}
    expected = NewPanel(name="Main", dialect="xtream_v2", base_url="https://panel.example/sub")
    assert PanelCreate.read(body).to_new_panel() == expected


def test_a_panel_may_have_a_password_and_no_guard() -> None:
    body = {
        "name": "Main",
        "base_url": "https://[2001:db8::1]:8443",
        "api_pass": "pass phrase",
        "budget": {"flood_guard": None, "calls_per_second": 0.5},
        "suspend_by": "bouquets",
        "extra_columns": ["contact"],
    }
    made = PanelCreate.read(body)
    assert "pass phrase" not in repr(made)
    new = made.to_new_panel()
    assert new.api_pass == Secret("pass phrase")
    assert new.budget == Budget(flood_guard=None, calls_per_second=0.5)
    assert (new.suspend_by, new.extra_columns) == (SuspendBy.BOUQUETS, ("contact",))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"base_url": "ftp://panel.example"}, "/base_url"),
        ({"base_url": "panel.example"}, "/base_url"),
        ({"base_url": "http://"}, "/base_url"),
        ({"base_url": "http://user:pass@panel.example"}, "/base_url"),
        ({"base_url": "http://panel.example/?a=b"}, "/base_url"),
        ({"base_url": "http://panel.example/#a"}, "/base_url"),
        ({"base_url": "http://panel.example:99999"}, "/base_url"),
        ({"base_url": "http://panel.example:0"}, "/base_url"),
        ({"base_url": "http://[::1"}, "/base_url"),
        ({"base_url": "http://pänel.example"}, "/base_url"),
        ({"base_url": "http://panel.example/a b"}, "/base_url"),
        ({"dialect": "XTREAM"}, "/dialect"),
        ({"budget": {"calls_per_second": 0}}, "/budget/calls_per_second"),
        ({"budget": {"calls_per_second": True}}, "/budget/calls_per_second"),
        ({"budget": {"burst": 1.0}}, "/budget/burst"),
        ({"budget": {"flood_guard": {"calls": 0}}}, "/budget/flood_guard/calls"),
        ({"tls": {"verify": "no"}}, "/tls/verify"),
        ({"tls": {"check": True}}, "/tls/check"),
        ({"settle_seconds": 0}, "/settle_seconds"),
        ({"suspend_by": "deleting"}, "/suspend_by"),
        ({"credit_mode": "none"}, "/credit_mode"),
        ({"bouquets": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "/bouquets"),
        ({"bouquets": [{"id": 1}]}, "/bouquets/0/name"),
        ({"extra_columns": ["username"]}, "/extra_columns/0"),
        ({"api_pass": "a\x00"}, "/api_pass"),
        ({"name": "a\nb"}, "/name"),
        ({"name": " a"}, "/name"),
    ],
)
def test_a_bad_panel_is_told_where(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        PanelCreate.read({"name": "Main", "base_url": "http://panel.example"} | changes)
    assert [fault.pointer for fault in raised.value.faults] == [pointer]


def test_a_panel_patch_names_the_members_that_change() -> None:
    body = {
        "api_pass": "new",
        "tls": {"verify": False},
        "budget": {"in_flight": 2, "flood_guard": {"calls": 7}},
        "bouquets": [{"id": 2, "name": "Sport"}],
    }
    assert PanelPatch.read(body).to_changes() == PanelChanges(
        api_pass=Secret("new"),
        tls={"verify": False},
        budget={"in_flight": 2, "flood_guard": {"calls": 7}},
        bouquets=(Bouquet(id=2, name="Sport"),),
    )


def test_a_panel_patch_can_take_the_guard_and_the_password_away() -> None:
    patch = PanelPatch.read({"api_pass": None, "budget": {"flood_guard": None}})
    assert patch.to_changes() == PanelChanges(api_pass=None, budget={"flood_guard": None})
    assert PanelPatch.read({"name": "x"}).to_changes() == PanelChanges(name="x")


def test_a_budget_merges_member_by_member() -> None:
    present = Budget(burst=9, flood_guard=None)
    assert present.merged({"in_flight": 2, "flood_guard": {"calls": 7}}) == Budget(
        burst=9, in_flight=2, flood_guard=FloodGuard(calls=7)
    )
    assert Budget(burst=9).merged({"flood_guard": None}) == present


def test_a_panel_never_shows_its_password() -> None:
    probe = Probe(
        reachable=True,
        dialect="xtream_v2",
        firewall=None,
        credits=False,
        warnings=(ProbeWarning(code="old", detail="An old build."),),
        checked_at=NOW,
    )
    out = shown(panel_out(a_panel(api_pass=Secret("hunter2"), probe=probe)))
    assert "hunter2" not in str(out)
    assert out["has_api_pass"] is True
    assert out["object"] == "panel"
    assert out["probe"] == {
        "reachable": True,
        "dialect": "xtream_v2",
        "firewall": None,
        "credits": False,
        "warnings": [{"code": "old", "detail": "An old build."}],
        "checked_at": "2026-03-01T12:00:00Z",
    }


@pytest.mark.parametrize(("value", "text"), [(5.0, "5"), (0.5, "0.5")])
def test_a_whole_rate_has_no_fraction(value: float, text: str) -> None:
    budget = Budget(calls_per_second=value, flood_guard=None)
    out = msgspec.json.encode(panel_out(a_panel(budget=budget))).decode()
    assert f'"budget":{{"calls_per_second":{text},' in out


# --- resellers -----------------------------------------------------------------------------------


def test_a_reseller_as_the_contract_writes_it() -> None:
    body = {
        "name": "Ann",
        "parent_id": None,
        "panel_accounts": [{"panel_id": PANEL_ID, "member_id": 7}],
        "policy": {
            "panel_ids": [PANEL_ID],
            "bouquet_ids": {PANEL_ID: [1]},
            "max_connections": 1,
            "max_lines": None,
            "max_devices": None,
            "trials_per_day": 0,
            "may_restream": False,
            "may_never_expire": False,
            "subscriber_may": ["rotate_password"],
            "expiring_marks": ["P7D", "P1D"],
        },
        "metadata": {"vat": "DE1"},
    }
    assert ResellerCreate.read(body).to_new_reseller() == NewReseller(
        name="Ann",
        panel_accounts=(PanelAccount(panel_id=PANEL_ID, member_id=7),),
        policy=Policy(panel_ids=(PANEL_ID,), bouquet_ids={PANEL_ID: (1,)}),
        metadata={"vat": "DE1"},
    )


def test_the_least_reseller_has_the_narrowest_policy() -> None:
    assert ResellerCreate.read({"name": "Ann"}).to_new_reseller() == NewReseller(
        name="Ann", policy=Policy()
    )


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "n" * 300}, "/name"),
        ({"name": None}, "/name"),
        ({"panel_accounts": [{"panel_id": PANEL_ID}]}, "/panel_accounts/0/member_id"),
        ({"policy": None}, "/policy"),
        ({"policy": {"max_lines": -1}}, "/policy/max_lines"),
        ({"policy": {"max_connections": 0}}, "/policy/max_connections"),
        ({"policy": {"bouquet_ids": {PANEL_ID: ["1"]}}}, f"/policy/bouquet_ids/{PANEL_ID}/0"),
        ({"policy": {"bouquet_ids": {"a/b": []}}}, "/policy/bouquet_ids/a~1b"),
        ({"policy": {"subscriber_may": ["everything"]}}, "/policy/subscriber_may/0"),
        ({"policy": {"expiring_marks": ["soon"]}}, "/policy/expiring_marks/0"),
        ({"policy": {"panel_ids": [PANEL_ID, PANEL_ID]}}, "/policy/panel_ids"),
        ({"policy": {"max_line": 1}}, "/policy/max_line"),
    ],
)
def test_a_bad_reseller_is_told_where(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        ResellerCreate.read({"name": "Ann"} | changes)
    assert [fault.pointer for fault in raised.value.faults] == [pointer]


def test_a_reseller_patch_keeps_what_is_not_named() -> None:
    body = {
        "policy": {"max_lines": 10, "bouquet_ids": None, "expiring_marks": ["P2D"]},
        "metadata": {"vat": None},
        "panel_accounts": [],
    }
    assert ResellerPatch.read(body).to_changes() == ResellerChanges(
        policy={"max_lines": 10, "bouquet_ids": None, "expiring_marks": ("P2D",)},
        metadata={"vat": None},
        panel_accounts=(),
    )
    assert ResellerPatch.read({"name": "B"}).to_changes() == ResellerChanges(name="B")


def test_a_reseller_is_shown_with_its_policy() -> None:
    out = shown(reseller_out(a_reseller(name="Ann")))
    assert (out["object"], out["name"], out["state"]) == ("reseller", "Ann", "active")
    assert set(out["policy"]) == {
        "panel_ids", "bouquet_ids", "max_connections", "max_lines", "max_devices",
        "trials_per_day", "may_restream", "may_never_expire", "subscriber_may", "expiring_marks",
    }  # fmt: skip
    assert "owner_path" not in out


# --- keys ----------------------------------------------------------------------------------------


def test_a_key_has_what_is_given() -> None:
    body = {
        "name": "Shop",
        "permissions": ["lines:read"],
        "allowed_ips": ["10.0.0.0/8", "2001:DB8::1"],
        "expires_at": "2026-03-01T12:00:00Z",
    }
    assert KeyCreate.read(body).to_new_key() == NewKey(
        name="Shop",
        permissions=frozenset({Permission.LINES_READ}),
        allowed_ips=("10.0.0.0/8", "2001:db8::1"),
        expires_at=NOW,
    )


@pytest.mark.parametrize(
    ("given", "permissions"),
    [({}, None), ({"permissions": None}, None), ({"permissions": []}, frozenset())],
)
def test_a_key_without_permissions_is_not_one_with_none(
    given: dict[str, Any], permissions: object
) -> None:
    assert KeyCreate.read({"name": "Shop"} | given).to_new_key().permissions == permissions


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"permissions": ["lines:fly"]}, "/permissions/0"),
        ({"permissions": ["lines:read", "lines:read"]}, "/permissions"),
        ({"allowed_ips": ["10.0.0.1/8"]}, "/allowed_ips/0"),
        ({"allowed_ips": ["here"]}, "/allowed_ips/0"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"reseller_id": "../x"}, "/reseller_id"),
    ],
)
def test_a_bad_key_is_told_where(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        KeyCreate.read({"name": "Shop"} | changes)
    assert [fault.pointer for fault in raised.value.faults] == [pointer]


def test_a_keys_secret_is_shown_beside_it_once() -> None:
    key = a_key(permissions=frozenset({Permission.LINES_WRITE, Permission.LINES_READ}))
    out = shown(issued_key_out(IssuedKey(key=key, secret=Secret("xgw_secret"))))
    assert out["key"] == "xgw_secret"
    assert out["permissions"] == ["lines:read", "lines:write"]
    assert {"id", "prefix", "last_used_at", "revoked_at"} <= set(out)


# --- operations and audit ------------------------------------------------------------------------


def test_an_operation_tells_its_problem_but_not_its_request() -> None:
    problem = Problem(
        code="username_taken",
        status=409,
        detail="This username is taken on the panel.",
        faults=(Fault("/username", "taken", "Taken."),),
    )
    out = shown(operation_out(an_operation(problem=problem, request=b"hunter2")))
    assert list(out) == [
        "id", "object", "kind", "state", "resource_id", "reseller_id", "attempts", "problem",
        "created_at", "updated_at", "settles_at",
    ]  # fmt: skip
    assert out["problem"] == {
        "type": "urn:xtream-gateway:problem:username_taken",
        "title": "Username taken",
        "status": 409,
        "detail": "This username is taken on the panel.",
        "code": "username_taken",
        "errors": [{"pointer": "/username", "code": "taken", "detail": "Taken."}],
    }
    assert "hunter2" not in str(out)


def test_an_audit_entry_names_caller_and_resource() -> None:
    line = a_line()
    entry = an_audit_entry(
        resource_id=line.id, asker=an_asker(caller_kind="reseller", caller_id="rsl_1", key_id="k")
    )
    out = shown(audit_entry_out(entry))
    assert list(out) == [
        "id", "object", "sequence", "phase", "action", "operation_id", "reseller_id", "caller",
        "ip", "request_id", "resource", "before", "after", "code", "panel_call_digest", "at",
    ]  # fmt: skip
    assert out["caller"] == {"kind": "reseller", "id": "rsl_1", "key_id": "k", "chain": []}
    assert out["resource"] == {"kind": "line", "id": line.id}


def test_an_audit_entry_may_be_about_nothing() -> None:
    assert shown(audit_entry_out(an_audit_entry(resource_id=None)))["resource"] is None
