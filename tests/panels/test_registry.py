"""Every dialect answers for the whole vocabulary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.calls import CreateLine
from gateway.domain.errors import PanelUnsupported
from gateway.panels.registry import checked, known_dialects, verb_for
from gateway.panels.xtream_v2 import DIALECT
from tests.panels.makers import a_create

CREATE = DIALECT.verbs[CreateLine]
REST = {call: verb for call, verb in DIALECT.verbs.items() if call is not CreateLine}


def test_the_known_dialects_are_complete() -> None:
    assert known_dialects() == {"xtream_v2": DIALECT}


def test_a_forgotten_call_stops_the_start_and_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"xtream_v2.*CreateLine"):
        checked((replace(DIALECT, verbs=REST),))


def test_a_call_both_spoken_and_unsupported_stops_the_start() -> None:
    with pytest.raises(RuntimeError, match="CreateLine"):
        checked((replace(DIALECT, unsupported=frozenset({CreateLine})),))


def test_an_unsupported_call_says_so() -> None:
    dialect = replace(DIALECT, verbs=REST, unsupported=frozenset({CreateLine}))
    assert checked((dialect,)) == {"xtream_v2": dialect}
    with pytest.raises(PanelUnsupported):
        verb_for(dialect, a_create())
