"""The rules that need nothing but values: policy, terms, comparisons, kept problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.db.encryption import Keyring
from gateway.domain import errors
from gateway.domain.caller import Caller, CallerKind
from gateway.domain.calls import UNCHANGED, Credentials, EditLine, Isp, LineInfo
from gateway.domain.errors import (
    BouquetNotAllowed,
    Fault,
    FieldNotAllowed,
    GatewayError,
    InternalError,
    InvalidRequest,
    QuotaExceeded,
    StateConflict,
)
from gateway.domain.ids import PanelId
from gateway.domain.lines import NewLine
from gateway.domain.operations import Problem
from gateway.domain.panels import SuspendBy
from gateway.domain.periods import Period
from gateway.domain.resellers import Policy
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import Changes, ObservedInfo, RenewFrom, Term
from gateway.services import policy as line_policy
from gateway.services.change import edit_fields, named, patched
from gateway.services.check import differing
from gateway.services.problems import error_of, problem_of
from gateway.services.records import differences, facts_of
from gateway.services.renew import renewed_until
from gateway.services.view import overlaid
from tests.factories import NOW, PANEL_ID, a_line, a_panel

SENTINEL = datetime(2038, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OPERATOR = Caller(kind=CallerKind.OPERATOR, id="operator")
RESELLER = Caller(kind=CallerKind.RESELLER, id="rsl_a", owner_path="/rsl_a/")
KEYRING = Keyring([("k1", b"1" * 32)])


def pointers(caught: pytest.ExceptionInfo[GatewayError]) -> list[str]:
    return [fault.pointer for fault in caught.value.faults]


# --- policy --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires_at", "code"),
    [
        (None, None),
        (NOW, "in_the_past"),
        (NOW - SECOND, "in_the_past"),
        (NOW + SECOND, None),
        (SENTINEL - SECOND, None),
        (SENTINEL, "too_far"),
        (datetime.max.replace(tzinfo=UTC), "too_far"),
    ],
)
def test_a_term_ends_after_now_and_before_the_sentinel(
    expires_at: datetime | None, code: str | None
) -> None:
    if code is None:
        line_policy.check_term(expires_at, NOW, pointer="/expires_at")
        return
    with pytest.raises(InvalidRequest) as caught:
        line_policy.check_term(expires_at, NOW, pointer="/expires_at")
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/expires_at", code)]


@pytest.mark.parametrize(
    ("limit", "asked", "allowed"),
    [(None, None, True), (None, 1000, True), (2, 2, True), (2, 3, False), (2, None, False)],
)
def test_no_limit_is_more_than_any_limit(
    limit: int | None, asked: int | None, allowed: bool
) -> None:
    policy = Policy(max_connections=limit)
    if allowed:
        line_policy.check_connections(policy, asked)
    else:
        with pytest.raises(QuotaExceeded):
            line_policy.check_connections(policy, asked)


@pytest.mark.parametrize(
    ("allowed", "asked", "refused"),
    [
        (None, (1, 2, 99), []),
        ({}, (), []),
        ({}, (1,), ["/bouquet_ids/0"]),
        ({PANEL_ID: (1, 2)}, (2, 1), []),
        ({PANEL_ID: (1, 2)}, (3, 1, 4), ["/bouquet_ids/0", "/bouquet_ids/2"]),
        ({"pnl_other": (1,)}, (1,), ["/bouquet_ids/0"]),
    ],
)
def test_bouquets_outside_the_policy_are_named_one_by_one(
    allowed: dict[str, tuple[int, ...]] | None, asked: tuple[int, ...], refused: list[str]
) -> None:
    policy = Policy(bouquet_ids=allowed)
    if not refused:
        line_policy.check_bouquets(policy, PANEL_ID, asked)
        return
    with pytest.raises(BouquetNotAllowed) as caught:
        line_policy.check_bouquets(policy, PANEL_ID, asked)
    assert pointers(caught) == refused


GIVEN: dict[str, Any] = {
    "reseller_id": "rsl_b",
    "member_id": 7,
    "force_server_id": 1,
    "isp_lock": False,
    "enabled": True,
    "admin_enabled": True,
    "admin_notes": "",
    "extra": {},
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_field_of_operators_is_refused_to_others_even_at_its_default(name: str) -> None:
    new = NewLine(term=Term(never_expires=True), **{name: GIVEN[name]})
    fields = line_policy.operator_fields_of(new)
    line_policy.refuse_operator_fields(OPERATOR, fields)
    with pytest.raises(FieldNotAllowed) as caught:
        line_policy.refuse_operator_fields(RESELLER, fields)
    assert pointers(caught) == [f"/{name}"]


def test_all_fields_of_operators_are_named_at_once() -> None:
    given = {name: value for name, value in GIVEN.items() if name != "reseller_id"}
    changes = Changes(**given, expires_at=None, notes="x")
    with pytest.raises(FieldNotAllowed) as caught:
        line_policy.refuse_operator_fields(RESELLER, line_policy.operator_fields_changed(changes))
    assert set(pointers(caught)) == {f"/{name}" for name in (*given, "expires_at")}


def test_columns_that_are_not_configured_are_named() -> None:
    panel = a_panel(extra_columns=("note_two",))
    line_policy.check_extra(panel, {"note_two": "x"})
    with pytest.raises(InvalidRequest) as caught:
        line_policy.check_extra(panel, {"b": "1", "note_two": "x", "a": "1"})
    assert pointers(caught) == ["/extra/a", "/extra/b"]


@pytest.mark.parametrize(
    ("check", "allowed"),
    [
        (line_policy.check_never_expires, Policy(may_never_expire=True)),
        (line_policy.check_restream, Policy(may_restream=True)),
    ],
)
def test_what_a_policy_forbids_is_refused(check: Callable[[Policy], None], allowed: Policy) -> None:
    check(allowed)
    with pytest.raises(FieldNotAllowed):
        check(Policy())


# --- renewal -------------------------------------------------------------------------------------

MONTH = Period.parse("P1M")
PRESENT = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("counted_from", "present", "now", "until"),
    [
        (RenewFrom.LATER, PRESENT, PRESENT - SECOND, datetime(2027, 2, 28, 12, tzinfo=UTC)),
        (
            RenewFrom.LATER,
            PRESENT,
            datetime(2027, 5, 31, tzinfo=UTC),
            datetime(2027, 6, 30, tzinfo=UTC),
        ),
        (
            RenewFrom.EXPIRY,
            PRESENT,
            datetime(2027, 5, 31, tzinfo=UTC),
            datetime(2027, 2, 28, 12, tzinfo=UTC),
        ),
        (
            RenewFrom.NOW,
            PRESENT,
            datetime(2026, 1, 1, 0, 0, 0, 9, tzinfo=UTC),
            datetime(2026, 2, 1, tzinfo=UTC),
        ),
    ],
)
def test_a_period_starts_where_it_is_asked_to(
    counted_from: RenewFrom, present: datetime, now: datetime, until: datetime
) -> None:
    term = Term(period=MONTH, counted_from=counted_from)
    assert renewed_until(term, present, now) == until


def test_a_period_beyond_time_is_beyond_the_sentinel() -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    assert renewed_until(Term(period=MONTH), far, NOW) == SENTINEL


def test_a_line_that_never_expires_cannot_be_given_a_month_more() -> None:
    with pytest.raises(StateConflict):
        renewed_until(Term(period=MONTH), None, NOW)


# --- what the panel says -------------------------------------------------------------------------


def an_info(**changes: Any) -> LineInfo:
    info = LineInfo(
        panel_line_id=5,
        username="anna",
        member_id=7,
        enabled=True,
        admin_enabled=True,
        expires_at=NOW,
        active_connections=0,
        max_connections=1,
        bouquet_ids=(1, 2),
        allowed_ips=(),
        allowed_user_agents=(),
        is_trial=False,
        is_restreamer=False,
        notes="",
        admin_notes="",
        created_at=NOW,
        channel_ids=(),
        series_ids=(),
        output_formats=(),
        pair=None,
        isp=Isp(number=None, name=None, locked=False, violation=False),
        country=None,
        force_server_id=None,
        pair_id=None,
    )
    return replace(info, **changes)


def an_edit(**changes: Any) -> EditLine:
    return EditLine(credentials=Credentials(username="anna", password=Secret("x")), **changes)


@pytest.mark.parametrize(
    ("asked", "found", "wrong"),
    [
        ({}, {}, ()),
        ({"expires_at": NOW}, {}, ()),
        ({"expires_at": None}, {}, ("expires_at",)),
        ({"expires_at": NOW}, {"expires_at": None}, ("expires_at",)),
        ({"max_connections": None}, {}, ("max_connections",)),
        ({"max_connections": None}, {"max_connections": None}, ()),
        ({"bouquet_ids": (2, 1)}, {}, ()),
        ({"bouquet_ids": (1,)}, {}, ("bouquet_ids",)),
        ({"bouquet_ids": ()}, {"bouquet_ids": None}, ("bouquet_ids",)),
        ({"allowed_ips": ("203.0.113.7",)}, {}, ("allowed_ips",)),
        ({"allowed_user_agents": ()}, {"allowed_user_agents": ("x",)}, ("allowed_user_agents",)),
        ({"enabled": False}, {}, ("enabled",)),
        ({"admin_enabled": False}, {}, ("admin_enabled",)),
        ({"is_trial": True, "is_restreamer": True}, {}, ("is_trial", "is_restreamer")),
        ({"member_id": 8}, {}, ("member_id",)),
        ({"member_id": 8}, {"member_id": None}, ()),
        ({"notes": "50% off"}, {"notes": "50%% off"}, ()),
        ({"notes": "50% off"}, {"notes": "50 off"}, ("notes",)),
        ({"notes": "x"}, {"notes": "x "}, ()),
        (
            {"expires_at": None, "enabled": False, "notes": "x"},
            {},
            ("enabled", "expires_at", "notes"),
        ),
    ],
)
def test_what_the_panel_holds_otherwise_than_asked_is_named(
    asked: dict[str, Any], found: dict[str, Any], wrong: tuple[str, ...]
) -> None:
    assert differing(an_edit(**asked), an_info(**found)) == wrong


@pytest.mark.parametrize(
    ("line", "info", "shown"),
    [
        ({}, {}, {"suspended_by": None}),
        ({}, {"enabled": False}, {"suspended_by": SuspendBy.ENABLED}),
        ({"suspended_by": SuspendBy.ENABLED}, {"enabled": True}, {"suspended_by": None}),
        (
            {"suspended_by": SuspendBy.BOUQUETS},
            {"bouquet_ids": ()},
            {"suspended_by": SuspendBy.BOUQUETS, "bouquet_ids": (1, 2)},
        ),
        ({}, {"bouquet_ids": (9,)}, {"bouquet_ids": (9,)}),
        ({}, {"bouquet_ids": None}, {"bouquet_ids": (1, 2)}),
        ({}, {"admin_enabled": False}, {"is_banned": True}),
        ({"is_banned": True}, {}, {"is_banned": False}),
        ({}, {"expires_at": None, "max_connections": None}, {"expires_at": None}),
        ({}, {"is_trial": True, "is_restreamer": True}, {"is_trial": True, "is_restreamer": True}),
    ],
)
def test_a_line_is_shown_as_its_panel_holds_it(
    line: dict[str, Any], info: dict[str, Any], shown: dict[str, Any]
) -> None:
    seen = ObservedInfo(info=an_info(**info), at=NOW, age_seconds=0, stale=False, from_cache=False)
    found = overlaid(a_line(**line), seen)
    assert {name: getattr(found, name) for name in shown} == shown


# --- patches -------------------------------------------------------------------------------------


def test_a_patch_merges_metadata_and_extra_and_leaves_the_rest() -> None:
    line = a_line(metadata={"a": "1", "b": "2"}, extra={"x": "1"}, notes="old")
    changes = Changes(metadata={"a": None, "c": "3"}, extra={"y": "2"})
    assert patched(line, changes) == replace(
        line, metadata={"b": "2", "c": "3"}, extra={"x": "1", "y": "2"}
    )
    assert named(changes) == {"metadata", "extra"}


@pytest.mark.parametrize(
    ("suspended_by", "changes", "sent"),
    [
        (None, {"bouquet_ids": (3,)}, (3,)),
        (SuspendBy.ENABLED, {"bouquet_ids": (3,)}, (3,)),
        (SuspendBy.BOUQUETS, {"bouquet_ids": (3,)}, UNCHANGED),
        (SuspendBy.BOUQUETS, {"enabled": False}, (1, 2)),
        (SuspendBy.BOUQUETS, {"notes": "x"}, UNCHANGED),
        (SuspendBy.BOUQUETS, {"enabled": True}, (1, 2)),
        (SuspendBy.BOUQUETS, {"enabled": True, "bouquet_ids": (3,)}, (3,)),
    ],
)
def test_bouquets_that_were_taken_away_come_back_only_with_the_line(
    suspended_by: SuspendBy | None, changes: dict[str, Any], sent: object
) -> None:
    edit = edit_fields(a_line(suspended_by=suspended_by), Changes(**changes), "op_1")
    assert edit.get("bouquet_ids", UNCHANGED) == sent


def test_admin_notes_keep_the_operation_in_their_first_line() -> None:
    for notes, sent in (("two\nlines", "op_1\ntwo\nlines"), ("", "op_1")):
        edit = edit_fields(a_line(), Changes(admin_notes=notes), "op_1")
        assert edit["admin_notes"] == sent


# --- kept problems and audit facts ---------------------------------------------------------------


def leaves(base: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    children = [each for each in base.__subclasses__() if each.__module__ == errors.__name__]
    if not children:
        yield base
    for child in children:
        yield from leaves(child)


@pytest.mark.parametrize("error", list(leaves()), ids=lambda error: error.__name__)
def test_an_error_is_kept_and_raised_again_as_it_was(error: type[GatewayError]) -> None:
    fault = Fault("/x", "wrong", "It is wrong.")
    raised = error("No.", faults=(fault,), retry_after_seconds=7)
    again = error_of(problem_of(raised), "op_1")
    assert type(again) is error
    assert (again.detail, again.faults, again.retry_after_seconds) == ("No.", (fault,), 7)
    assert again.operation_id == "op_1"


def test_a_problem_of_a_newer_version_is_an_internal_error() -> None:
    kept = Problem(code="something_new", status=418, detail="New.")
    assert type(error_of(kept, "op_1")) is InternalError


def test_facts_hold_digests_for_secrets_and_nothing_that_is_only_ours() -> None:
    line = a_line(password=Secret("s3cret"))
    facts = facts_of(line, KEYRING)
    assert "s3cret" not in str(facts)
    assert KEYRING.matches(facts["password"], b"s3cret", "audit.secret")
    assert not {"id", "owner_path", "version", "epoch", "created_at", "updated_at"} & set(facts)
    assert facts["expires_at"].endswith("Z")
    assert facts["bouquet_ids"] == [1, 2]


def test_differences_name_what_differs_and_tell_a_changed_secret() -> None:
    line = a_line(password=Secret("old"), notes="x")
    after = replace(line, password=Secret("new"), max_connections=None, version=9, epoch=9)
    old, new = differences(line, after, KEYRING)
    assert old is not None
    assert set(old) == set(new) == {"password", "max_connections"}
    assert old["password"] != new["password"]
    assert (old["max_connections"], new["max_connections"]) == (1, None)
    assert differences(line, line, KEYRING) == ({}, {})
    assert differences(None, a_panel(id=PanelId("pnl_1")), KEYRING)[0] is None
