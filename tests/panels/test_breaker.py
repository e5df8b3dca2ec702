"""A panel that does not answer, or shuts us out, is left alone and tried again now and then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.domain.errors import PanelError, PanelMisconfigured, PanelUnavailable
from gateway.domain.secrets import Secret
from gateway.panels.breaker import FAILURES, Breaker, Breakers, BreakerState, Pauses
from gateway.panels.dialect import Reason
from tests.panels.makers import NEW_YEAR_2030, VirtualClock, a_panel

LONG = 20.0


class Bench:
    """One panel's breaker, on a clock that is set by hand."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.told: list[BreakerState] = []
        self.breakers = Breakers(self.clock, report=self.told.append)
        self.panel = a_panel()

    @property
    def breaker(self) -> Breaker:
        return self.breakers.of(self.panel)

    @property
    def state(self) -> BreakerState:
        (state,) = self.breakers.states()
        return state

    def fail(self, reason: Reason = Reason.UNREACHABLE, *, seconds: float = LONG) -> None:
        with self.breaker.entry():
            self.breaker.failed(reason, seconds)

    def answer(self, shut_out: str | None = None) -> None:
        with self.breaker.entry():
            self.breaker.answered(shut_out)

    def open(self, reason: Reason = Reason.UNREACHABLE) -> None:
        for _ in range(FAILURES):
            self.fail(reason)

    def refusal(self) -> PanelError | None:
        try:
            with self.breaker.entry():
                return None
        except PanelError as error:
            return error

    def wait(self) -> None:
        """Go on to the moment at which it may be tried again."""
        assert self.state.retry_after_seconds is not None
        self.clock.seconds += self.state.retry_after_seconds


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_panel_that_answers_is_called(bench: Bench) -> None:
    bench.answer()
    assert bench.refusal() is None
    assert bench.state == BreakerState(
        panel_id=bench.panel.id, is_open=False, reason=None, since=None, retry_after_seconds=None
    )
    assert bench.told == [bench.state]


def test_failures_in_a_row_open_it_and_then_nothing_is_let_in(bench: Bench) -> None:
    for _ in range(FAILURES - 1):
        bench.fail()
    assert not bench.state.is_open
    bench.fail()
    assert bench.state == BreakerState(
        panel_id=bench.panel.id,
        is_open=True,
        reason="unreachable",
        since=NEW_YEAR_2030,
        retry_after_seconds=2,
    )
    refusal = bench.refusal()
    assert isinstance(refusal, PanelUnavailable)
    assert refusal.retry_after_seconds == 2
    assert bench.told[1:] == [bench.state]


def test_an_answer_in_between_begins_the_count_anew(bench: Bench) -> None:
    for _ in range(4):
        for _ in range(FAILURES - 1):
            bench.fail()
        bench.answer()
    assert not bench.state.is_open


@pytest.mark.parametrize(
    ("reason", "seconds", "opens"),
    [
        (Reason.UNREACHABLE, 0.1, True),
        (Reason.TLS_FAILED, 0.1, True),
        (Reason.CONNECT_TIMED_OUT, LONG, True),
        (Reason.CONNECT_TIMED_OUT, 0.5, False),
        (Reason.TIMED_OUT, LONG, True),
        (Reason.TIMED_OUT, 1, False),
        (Reason.BROKEN_OFF, LONG, False),
    ],
)
def test_what_counts_as_a_failure(
    bench: Bench, reason: Reason, seconds: float, opens: bool
) -> None:
    for _ in range(FAILURES):
        bench.fail(reason, seconds=seconds)
    assert bench.state.is_open is opens


def test_after_the_pause_one_call_goes_out_and_an_answer_closes_it(bench: Bench) -> None:
    bench.open()
    bench.wait()
    with bench.breaker.entry():
        refusal = bench.refusal()
        assert isinstance(refusal, PanelUnavailable)
        assert refusal.retry_after_seconds == 1
        bench.breaker.answered(None)
        assert bench.refusal() is None
    assert [state.is_open for state in bench.told] == [False, True, False]


def test_a_pause_grows_with_every_failed_try_up_to_a_bound(bench: Bench) -> None:
    bench.open()
    pauses = []
    for _ in range(8):
        pauses.append(bench.state.retry_after_seconds)
        bench.wait()
        bench.fail()
    assert pauses == [2, 4, 8, 10, 10, 10, 10, 10]
    assert len(bench.told) == 2
    assert bench.state.since == NEW_YEAR_2030
    bench.wait()
    bench.answer()
    bench.open()
    assert bench.state.retry_after_seconds == 2
    assert bench.state.since == NEW_YEAR_2030 + timedelta(seconds=bench.clock.seconds - 1000)


def test_a_panel_that_refuses_us_is_left_alone_for_longer(bench: Bench) -> None:
    bench.answer("key_wrong")
    pauses = []
    for _ in range(7):
        pauses.append(bench.state.retry_after_seconds)
        bench.wait()
        bench.answer("key_wrong")
    assert pauses == [2, 4, 8, 16, 32, 60, 60]


def test_a_try_that_ends_without_a_verdict_leaves_the_next_one_to_others(bench: Bench) -> None:
    bench.open()
    bench.wait()
    bench.fail(Reason.BROKEN_OFF)
    assert bench.refusal() is None
    bench.fail(Reason.TIMED_OUT, seconds=0.1)
    assert bench.refusal() is None


def test_calls_from_before_it_opened_do_not_make_the_pause_longer(bench: Bench) -> None:
    with bench.breaker.entry() as check_again:
        bench.open()
        bench.breaker.failed(Reason.UNREACHABLE, LONG)
        assert bench.state.retry_after_seconds == 2
        with pytest.raises(PanelUnavailable):
            check_again()


def test_one_that_waited_for_its_turn_looks_again_and_a_try_does_not(bench: Bench) -> None:
    with bench.breaker.entry() as check_again:
        check_again()
    bench.open()
    bench.wait()
    with bench.breaker.entry() as check_again:
        check_again()


def test_a_try_that_hangs_does_not_keep_the_next_one_waiting_for_long(bench: Bench) -> None:
    bench.open(Reason.TIMED_OUT)
    bench.wait()
    with bench.breaker.entry():
        bench.clock.seconds += Pauses().longest - 0.1
        assert bench.refusal() is not None
        bench.clock.seconds += 0.1
        bench.answer()
        assert not bench.state.is_open
        bench.breaker.failed(Reason.TIMED_OUT, LONG)
    assert not bench.state.is_open


def test_where_a_panel_hangs_a_change_tries_only_if_nobody_reads(bench: Bench) -> None:
    def change() -> PanelError | None:
        try:
            with bench.breaker.entry(is_change=True):
                return None
        except PanelError as error:
            return error

    bench.open(Reason.TIMED_OUT)
    bench.wait()
    refusal = change()
    assert isinstance(refusal, PanelUnavailable)
    assert (refusal.retry_after_seconds or 0) >= 1
    assert bench.refusal() is None
    bench.clock.seconds += Pauses().longest
    assert change() is None
    bench.answer()
    bench.open(Reason.UNREACHABLE)
    bench.wait()
    assert change() is None


def test_those_who_waited_while_it_was_open_do_not_all_try(bench: Bench) -> None:
    with bench.breaker.entry() as first, bench.breaker.entry() as second:
        bench.open()
        bench.wait()
        first()
        with pytest.raises(PanelUnavailable):
            second()
        bench.breaker.failed(Reason.UNREACHABLE, LONG)
        assert bench.state.retry_after_seconds == 4


@pytest.mark.parametrize("reason", [Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.TLS_FAILED])
def test_it_is_told_that_a_panel_is_left_alone(bench: Bench, reason: Reason) -> None:
    def is_left_alone() -> bool:
        return bench.breakers.is_left_alone(bench.panel.id)

    assert not is_left_alone()  # Never called.
    bench.open(reason)
    assert is_left_alone()
    bench.wait()
    assert not is_left_alone()  # Somebody has to try.
    with bench.breaker.entry():
        assert is_left_alone()
        bench.breaker.answered(None)
    assert not is_left_alone()


@pytest.mark.parametrize("shut_out", ["key_wrong", "ip_refused", "redirected"])
def test_a_panel_that_refuses_us_is_not_said_to_be_left_alone(bench: Bench, shut_out: str) -> None:
    bench.answer(shut_out)
    assert not bench.breakers.is_left_alone(bench.panel.id)


def test_silence_on_connect_after_it_has_worked_is_a_suspected_ban(bench: Bench) -> None:
    bench.answer()
    bench.open(Reason.CONNECT_TIMED_OUT)
    assert (bench.state.reason, bench.state.retry_after_seconds) == ("suspected_ban", 30)
    pauses = []
    for _ in range(5):
        bench.wait()
        bench.fail(Reason.CONNECT_TIMED_OUT)
        pauses.append(bench.state.retry_after_seconds)
    assert pauses == [60, 120, 240, 300, 300]
    bench.wait()
    bench.answer()
    assert not bench.state.is_open


def test_silence_of_a_panel_that_never_worked_is_no_ban(bench: Bench) -> None:
    bench.open(Reason.CONNECT_TIMED_OUT)
    assert bench.state.reason == "unreachable"


def test_other_failures_among_the_silences_are_no_ban(bench: Bench) -> None:
    bench.answer()
    bench.fail(Reason.CONNECT_TIMED_OUT)
    bench.fail(Reason.UNREACHABLE)
    bench.fail(Reason.CONNECT_TIMED_OUT)
    assert bench.state.reason == "unreachable"


@pytest.mark.parametrize("reason", ["ip_refused", "key_wrong", "redirected"])
def test_a_panel_that_shuts_us_out_once_is_left_alone_with_its_own_error(
    bench: Bench, reason: str
) -> None:
    bench.answer(reason)
    assert bench.state.reason == reason
    refusal = bench.refusal()
    assert isinstance(refusal, PanelMisconfigured)
    assert refusal.retry_after_seconds == 2
    bench.wait()
    bench.answer(reason)
    assert bench.state.retry_after_seconds == 4
    bench.wait()
    bench.answer()
    assert not bench.state.is_open


def test_a_reason_that_changes_is_told(bench: Bench) -> None:
    bench.open()
    bench.wait()
    bench.answer("key_wrong")
    assert [state.reason for state in bench.told] == [None, "unreachable", "key_wrong"]


def test_another_address_or_key_begins_anew(bench: Bench) -> None:
    bench.answer("key_wrong")
    bench.panel = a_panel(api_pass=Secret("right"))
    assert bench.refusal() is None
    assert not bench.state.is_open
    assert [state.reason for state in bench.told] == [None, "key_wrong", None]
    assert bench.breaker is bench.breakers.of(a_panel(api_pass=Secret("right"), name="Renamed"))
    assert bench.breaker is not bench.breakers.of(a_panel(base_url="http://127.0.0.1:2"))


def test_opening_and_closing_are_logged_once(bench: Bench) -> None:
    with capture_logs() as lines:
        bench.open()
        bench.wait()
        bench.fail()
        bench.wait()
        bench.answer()
        bench.answer()
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("panel.breaker_opened", "warning"),
        ("panel.breaker_closed", "info"),
    ]


def test_pauses_never_overflow() -> None:
    assert Pauses().after(10_000, "suspected_ban") == 300
