"""More than two hundred documents made to hurt: each is refused before any work, cheaply."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from graphql import get_introspection_query

from gateway.api.graphql.prepare import DOCUMENTS_BYTES_MAX, REFUSALS_BYTES_MAX, Preparer
from gateway.api.graphql.refusals import (
    ERRORS_MAX,
    LOCATIONS_MAX,
    MESSAGE_MAX,
    DocumentRefused,
)
from tests.api.graphql.hostile import Hostile, hostile_requests
from tests.api.graphql.shop import Runs, a_preparer, run
from tests.servers.flags import flag

REQUESTS = hostile_requests()
#: Tests that look at each step of a request take every request only in the long mode.
STEP = 1 if flag("LONG") else 5


@pytest.fixture(scope="module")
def preparer() -> Preparer:
    return a_preparer()


def send(request: Hostile, preparer: Preparer, runs: Runs) -> None:
    """Do what the gateway does with a request."""
    prepared = preparer.prepare(
        request.text,
        operation_name=request.operation_name,
        variables=request.variables,
        may_introspect=request.may_introspect,
    )
    run(prepared, runs)


def test_there_are_more_than_two_hundred_of_them_and_no_two_are_the_same() -> None:
    assert len({request.name for request in REQUESTS}) == len(REQUESTS) > 200


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.name)
def test_a_hostile_request_is_refused_and_no_resolver_runs(
    request_: Hostile, preparer: Preparer
) -> None:
    runs: Runs = Counter()
    with pytest.raises(DocumentRefused) as refused:
        send(request_, preparer, runs)
    assert refused.value.phase is request_.phase
    assert runs == {}
    denied = "introspection denied" in request_.name
    for error in refused.value.errors:
        assert error.extensions == {"code": "permission_denied" if denied else "invalid_request"}
        assert 0 < len(error.message) <= MESSAGE_MAX
        assert len(error.locations or ()) <= LOCATIONS_MAX
    assert 1 <= len(refused.value.errors) <= ERRORS_MAX + 1
    assert msgspec.json.encode([error.formatted for error in refused.value.errors])


def test_a_good_request_runs_its_resolvers(preparer: Preparer) -> None:
    runs: Runs = Counter()
    text = '{line(id:"1"){username info{activeConnections}}}'
    send(Hostile(name="good", text=text, phase=REQUESTS[0].phase), preparer, runs)
    assert runs == {"line": 1, "info": 1}


def calls_of(work: Callable[[], object]) -> int:
    """Return how many functions are entered and left, which no machine's speed changes."""
    calls = 0

    def count(*_args: Any) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def test_no_hostile_request_costs_more_than_a_few_honest_ones() -> None:
    preparer = a_preparer()
    honest = calls_of(
        lambda: preparer.prepare(
            get_introspection_query(), operation_name=None, variables=None, may_introspect=True
        )
    )

    def refuse(request: Hostile) -> None:
        with pytest.raises(DocumentRefused):
            send(request, preparer, Counter())

    costs = {r.name: calls_of(lambda r=r: refuse(r)) for r in REQUESTS[::STEP]}  # type: ignore[misc]
    assert {name: cost for name, cost in costs.items() if cost > 4 * honest} == {}


def test_hostile_requests_leave_nothing_behind_and_never_need_much_memory() -> None:
    preparer = a_preparer()

    def flood(padding: str) -> tuple[int, int]:
        """Send all, none as it was before; return the memory kept, and the most at once."""
        requests = [replace(request, text=request.text + padding) for request in REQUESTS[::STEP]]
        gc.collect()
        tracemalloc.start()
        try:
            for request in requests:
                with pytest.raises(DocumentRefused):
                    send(request, preparer, Counter())
            peak = tracemalloc.get_traced_memory()[1]
            gc.collect()
            return tracemalloc.get_traced_memory()[0], peak
        finally:
            tracemalloc.stop()

    (kept_first, peak_first), (kept_then, peak_then) = flood(" "), flood("  ")
    assert max(kept_first, kept_then) < 2 * REFUSALS_BYTES_MAX
    assert max(peak_first, peak_then) < DOCUMENTS_BYTES_MAX
