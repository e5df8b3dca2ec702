"""The tree of errors: drawn as it is, and with nothing hidden in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.domain import errors
from gateway.domain.errors import Fault, GatewayError, PanelError, Refusal


def tree(base: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    yield base
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


@pytest.mark.parametrize("error", list(tree()), ids=lambda error: error.__name__)
def test_every_error_stands_in_the_drawing_and_says_when_it_happens(
    error: type[GatewayError],
) -> None:
    assert error.__name__ in (errors.__doc__ or "")
    assert (error.__doc__ or "").strip().endswith(".")
    assert error.code == error.code.lower()
    assert 400 <= error.status < 600


@pytest.mark.parametrize("error", list(tree()), ids=lambda error: error.__name__)
def test_a_leaf_has_a_code_of_its_own_and_says_what_to_do(error: type[GatewayError]) -> None:
    leaves = [other for other in tree() if not other.__subclasses__()]
    if error in leaves:
        assert [other.code for other in leaves].count(error.code) == 1
    assert error.todo.endswith(".")


def test_refusals_of_rules_and_of_panels_are_told_apart() -> None:
    refusals = {error.code for error in tree(Refusal)}
    panels = {error.code for error in tree(PanelError)}
    assert refusals == {
        *("permission_denied", "username_taken", "mac_taken", "external_id_taken"),
        *("state_conflict", "version_mismatch", "quota_exceeded", "bouquet_not_allowed"),
        "field_not_allowed",
    }
    assert panels == {
        *("panel_refused_values", "panel_line_gated", "panel_unsupported", "outcome_unknown"),
        *("credentials_out_of_sync", "panel_misconfigured", "panel_unavailable"),
    }


def test_an_error_carries_what_a_caller_needs_and_no_more() -> None:
    fault = Fault("/x", "wrong", "It is wrong.")
    error = errors.StateConflict("No.", faults=(fault,), operation_id="op_1", retry_after_seconds=2)
    assert str(error) == error.detail == "No."
    assert (error.faults, error.operation_id, error.retry_after_seconds) == ((fault,), "op_1", 2)
    assert error.replayed is False
    bare = errors.NotFound("No.")
    assert (bare.faults, bare.operation_id, bare.retry_after_seconds) == ((), None, None)
