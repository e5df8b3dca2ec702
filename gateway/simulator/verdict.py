"""Whether what a caller was told is what happened."""

from __future__ import annotations

import json
from typing import Final

from gateway.simulator.ledger import Record
from gateway.simulator.messages import PanelAnswer

KEPT: Final = ("users", "mag_devices", "user_output", "reg_users")
"""Tables whose rows callers care about; logs are none of them."""
_DECODER: Final = json.JSONDecoder()
LYING: Final = ("lost_write", "half_mag", "lost_credit", "wrong_write", "stale_read")
"""Faults under which a good answer is not true."""


def has_effect(record: Record) -> bool:
    """Tell whether the request changed rows that matter."""
    return any(effect.table in KEPT for effect in record.effects)


def told(body: str) -> bool | None:
    """Return what an answer says: done, refused, or nothing clear."""
    start = body.find("{")
    try:
        found, _ = _DECODER.raw_decode(body[start:]) if start >= 0 else (None, 0)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or "result" not in found:
        return None
    return found["result"] is True and "error" not in found


def is_true(record: Record, answer: PanelAnswer, *, claims_success: bool) -> bool:
    """Tell whether *answer* matches what the request did.

    Whoever is told nothing clear, or that it was refused, should find nothing changed. Whoever is
    told that it is done should find all of it.
    """
    whole = answer.is_whole and answer.status == 200
    if not whole or told(answer.body.decode("utf-8", "replace")) is not True:
        return not has_effect(record)
    if not claims_success or record.fault in LYING:
        return False
    if (record.action, record.sub) == ("stb", "create"):
        return any(effect.table == "mag_devices" for effect in record.effects)
    return True
