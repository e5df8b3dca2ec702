"""JSON Schemas of what webhooks send, one for each type of event, each with an example.

Receivers should take members that are not named here: more may come.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.domain.events import MEANINGS, EventType
from gateway.domain.operations import ShownState
from gateway.domain.panel_states import PanelState
from gateway.domain.resellers import ResellerState
from gateway.domain.subscriptions import State

#: Types that nothing sends yet.
NOT_SENT: Final = frozenset({EventType.CREDITS_CHANGED, EventType.AUDIT_CHECKPOINT})

Shape = Mapping[str, dict[str, Any]]

_TEXT: Final = {"type": "string"}
_NAME: Final = {"type": ["string", "null"]}
_YES: Final = {"type": "boolean"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_TIME: Final = {"type": "string", "format": "date-time"}
_NO_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_AMOUNT: Final = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}

_AT: Final = "2026-03-01T12:00:00Z"
_LATER: Final = "2026-04-01T12:00:00Z"
_RESELLER: Final = "rsl_01kjmma2g1d3qf7a8w8k3had3d"
_PANEL: Final = "pnl_01kjmma2g1d3qf7a8w8k3had3e"
_LINE: Final = "line_01kjmma2g1d3qf7a8w8k3had3f"
_DEVICE: Final = "dev_01kjmma2g1d3qf7a8w8k3had3g"
_OPERATION: Final = "op_01kjmma2g1d3qf7a8w8k3had3h"


def _one_of(values: Any) -> dict[str, Any]:  # noqa: ANN401 - an enum, or words
    return {"enum": [str(each) for each in values]}


def _subscription(noun: str, name: str) -> Shape:
    return {
        "id": _TEXT,
        "object": {"const": noun},
        "state": _one_of(State),
        "external_id": _NAME,
        "reseller_id": _NAME,
        "panel_id": _TEXT,
        name: _TEXT,
        "expires_at": _NO_TIME,
        "max_connections": {"type": ["integer", "null"]},
        "bouquet_ids": {"type": "array", "items": {"type": "integer"}},
        "is_trial": _YES,
        "is_restreamer": _YES,
        "version": _COUNT,
        "created_at": _TIME,
        "updated_at": _TIME,
    }


def _object(shape: Shape) -> dict[str, Any]:
    return {"type": "object", "required": list(shape), "properties": dict(shape)}


_DRIFT: Final = _object(
    {"id": _TEXT, "kind": _TEXT, "fields": {"type": "array", "items": {"type": "string"}}}
)
_PROBLEM: Final = _object({"code": _TEXT, "status": _COUNT, "detail": _TEXT})

_SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "line": _subscription("line", "username"),
        "device": _subscription("device", "mac"),
        "operation": {
            "id": _TEXT,
            "object": {"const": "operation"},
            "kind": _TEXT,
            "state": _one_of(ShownState),
            "resource_id": _TEXT,
            "reseller_id": _NAME,
            "attempts": _COUNT,
            "problem": {"anyOf": [_PROBLEM, {"type": "null"}]},
            "created_at": _TIME,
            "updated_at": _TIME,
        },
        "reseller": {
            "id": _TEXT,
            "object": {"const": "reseller"},
            "name": _TEXT,
            "state": _one_of(ResellerState),
            "parent_id": _NAME,
            "version": _COUNT,
            "created_at": _TIME,
            "updated_at": _TIME,
        },
        "panel": {
            "id": _TEXT,
            "object": {"const": "panel"},
            "name": _TEXT,
            "state": _one_of(PanelState),
            "reason": _NAME,
        },
        "credits": {
            "object": {"const": "credits"},
            "reseller_id": _TEXT,
            "panel_id": _TEXT,
            "balance": _AMOUNT,
            "low_threshold": _AMOUNT,
            "observed_at": _TIME,
        },
        "webhook_endpoint": {
            "id": _TEXT,
            "object": {"const": "webhook_endpoint"},
            "state": {"const": "disabled"},
            "disabled_reason": _NAME,
            "reseller_id": _NAME,
        },
    }
)
#: What some types have besides.
_MORE: Final[Mapping[str, Shape]] = MappingProxyType(
    {"drifted": {"drift": _DRIFT}, "expiring": {"mark": _TEXT}}
)

_SUBSCRIPTION: Final = {
    "state": "active",
    "external_id": "order-4711",
    "reseller_id": _RESELLER,
    "panel_id": _PANEL,
    "expires_at": _LATER,
    "max_connections": 1,
    "bouquet_ids": [1, 2],
    "is_trial": False,
    "is_restreamer": False,
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
_EXAMPLES: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        "line": {"id": _LINE, "object": "line", "username": "anna"} | _SUBSCRIPTION,
        "device": {"id": _DEVICE, "object": "device", "mac": "00:1A:79:AB:CD:EF"} | _SUBSCRIPTION,
        "operation": {
            "id": _OPERATION,
            "object": "operation",
            "kind": "line.create",
            "resource_id": _LINE,
            "reseller_id": _RESELLER,
            "attempts": 1,
            "created_at": _AT,
            "updated_at": _AT,
        },
        "reseller": {
            "id": _RESELLER,
            "object": "reseller",
            "name": "Shop",
            "parent_id": None,
            "version": 2,
            "created_at": _AT,
            "updated_at": _AT,
        },
        "panel": {"id": _PANEL, "object": "panel", "name": "Panel One"},
        "credits": {
            "object": "credits",
            "reseller_id": _RESELLER,
            "panel_id": _PANEL,
            "balance": "9.50",
            "low_threshold": "10",
            "observed_at": _AT,
        },
        "webhook_endpoint": {
            "id": "whe_01kjmma2g1d3qf7a8w8k3had3j",
            "object": "webhook_endpoint",
            "state": "disabled",
            "disabled_reason": "gone",
            "reseller_id": _RESELLER,
        },
    }
)
_REFUSED: Final = {"code": "username_taken", "status": 409, "detail": "The panel has this name."}
_UNKNOWN: Final = {"code": "outcome_unknown", "status": 504, "detail": "Both passwords open it."}
#: What the example of a type has besides.
_VALUES: Final[Mapping[EventType, dict[str, Any]]] = MappingProxyType(
    {
        EventType.LINE_EXPIRED: {"state": "expired", "expires_at": _AT},
        EventType.DEVICE_EXPIRED: {"state": "expired", "expires_at": _AT},
        EventType.LINE_SUSPENDED: {"state": "suspended"},
        EventType.DEVICE_SUSPENDED: {"state": "suspended"},
        EventType.LINE_TERMINATED: {"state": "terminated"},
        EventType.DEVICE_TERMINATED: {"state": "terminated"},
        EventType.OPERATION_SUCCEEDED: {"state": "succeeded", "problem": None},
        EventType.OPERATION_FAILED: {"state": "failed", "problem": _REFUSED},
        EventType.OPERATION_NEEDS_ATTENTION: {"state": "manual", "problem": _UNKNOWN},
        EventType.RESELLER_SUSPENDED: {"state": "suspended"},
        EventType.RESELLER_RESUMED: {"state": "active"},
        EventType.PANEL_DOWN: {"state": "down", "reason": "unreachable"},
        EventType.PANEL_UP: {"state": "up", "reason": None},
        EventType.PANEL_BANNED_US: {"state": "banned_us", "reason": "suspected_ban"},
    }
)
_EXTRA_VALUES: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        "drifted": {
            "drift": {
                "id": "drf_01kjmma2g1d3qf7a8w8k3had3k",
                "kind": "changed",
                "fields": ["max_connections"],
            }
        },
        "expiring": {"mark": "P7D"},
    }
)


def event_schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of the body that is sent, by the type of the event."""
    return {kind.value: _schema_of(kind) for kind in EventType if kind not in NOT_SENT}


def _schema_of(kind: EventType) -> dict[str, Any]:
    noun, verb = kind.value.split(".")
    sequence = {"type": "integer", "minimum": 1}
    shape = {**_SHAPES[noun], **_MORE.get(verb, {}), "sequence": sequence}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.value,
        "description": MEANINGS[kind],
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": kind.value},
            "timestamp": _TIME,
            "data": _object(shape),
        },
        "examples": [
            {"type": kind.value, "timestamp": _AT, "data": _example(kind, noun, verb)},
        ],
    }


def _example(kind: EventType, noun: str, verb: str) -> dict[str, Any]:
    more = _VALUES.get(kind, {}) | _EXTRA_VALUES.get(verb, {})
    return _EXAMPLES[noun] | more | {"sequence": 1}
