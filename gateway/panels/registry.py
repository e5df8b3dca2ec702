"""The dialects by name, and the check that none has forgotten a call."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from gateway.domain.calls import ChangeCall, ReadCall
from gateway.domain.errors import PanelUnsupported
from gateway.panels import xtream_v2
from gateway.panels.dialect import Dialect, Verb


def known_dialects() -> Mapping[str, Dialect]:
    """Return every dialect that the gateway speaks, by the name that a panel's setting gives.

    Raises:
        RuntimeError: a dialect has no verb for a call and does not list it as unsupported.
    """
    return checked((xtream_v2.DIALECT,))


def checked(dialects: tuple[Dialect, ...]) -> Mapping[str, Dialect]:
    """Return *dialects* by name, once each of them answers for the whole vocabulary."""
    vocabulary = {*_members(ReadCall), *_members(ChangeCall)}
    for dialect in dialects:
        forgotten = vocabulary - dialect.verbs.keys() - dialect.unsupported
        doubled = dialect.unsupported & dialect.verbs.keys()
        if forgotten or doubled:
            names = sorted(call.__name__ for call in forgotten | doubled)
            msg = f"dialect {dialect.name}: {names} need a verb or a place in `unsupported`"
            raise RuntimeError(msg)
    return MappingProxyType({dialect.name: dialect for dialect in dialects})


def verb_for(dialect: Dialect, call: object) -> Verb[Any, Any]:
    """Return how *dialect* says *call*.

    Raises:
        PanelUnsupported: it cannot; nothing was sent.
    """
    verb = dialect.verbs.get(type(call))
    if verb is None:
        raise PanelUnsupported("This kind of panel has no such call.")
    return verb


def _members(alias: Any) -> tuple[type, ...]:  # noqa: ANN401 - typing has no type for an alias.
    return get_args(alias) or (alias,)
