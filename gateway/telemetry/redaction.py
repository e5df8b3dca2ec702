"""The last step before a log line is written: nothing secret leaves, in whatever it is wrapped.

Three nets: a field whose name says that it is secret shows `***`; a `Secret` shows `***` wherever
it is; and in all other texts, secrets are found by their form (`secret_texts`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from itertools import islice
from typing import Any, Final, TypeAlias

from gateway.domain.secrets import MASK, Secret
from gateway.telemetry.secret_texts import is_secret_name, redact_text

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"

DEPTH_MAX: Final = 8
ITEMS_MAX: Final = 100
TEXT_MAX: Final = 16_384
#: A shorter identifier is a name in our code; longer ones are looked into as other texts are.
NAME_MAX: Final = 40
CUT: Final = "[cut]"
#: JSON's readers stumble over larger numbers.
NUMBER_END: Final = 2**63
_BYTES: Final = (bytes, bytearray, memoryview)
_CONTAINERS: Final = (Mapping, Sequence, AbstractSet)


def redact_event(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Plain]:  # noqa: ANN401 - structlog's
    """Return *event* as plain, bounded data without secrets; a structlog processor."""
    return _mapping(event, 0)


def redacted(value: object, depth: int = 0) -> Plain:
    """Return *value* without secrets, as what JSON knows; never raises."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return value if abs(value) < NUMBER_END else hex(value)
    if value is None or isinstance(value, float):
        return value if value is None or math.isfinite(value) else str(value)
    if isinstance(value, _CONTAINERS) and not isinstance(value, _BYTES):
        return _container(value, depth)
    return _text(_leaf(value))


def _leaf(value: object) -> str:
    match value:
        case Secret():
            return MASK
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case date():
            return value.isoformat()
        case BaseException():
            return f"{type(value).__name__}: {_shown(value, str)}"
        case _:
            return _shown(value, repr)


def _container(value: Iterable[object], depth: int) -> Plain:
    if depth >= DEPTH_MAX:
        return CUT
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if _is_secret_pair(value):
        return [_text(str(next(iter(value)))), MASK]
    items = [redacted(item, depth + 1) for item in islice(value, ITEMS_MAX + 1)]
    return [*items[:ITEMS_MAX], CUT] if len(items) > ITEMS_MAX else items


def _mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Plain]:
    shown: dict[str, Plain] = {}
    for name, item in islice(value.items(), ITEMS_MAX):
        text = name if isinstance(name, str) else _shown(name, str)
        is_secret = item is not None and not isinstance(item, bool) and is_secret_name(text)
        text = text if text.isidentifier() and len(text) <= NAME_MAX else _text(text)
        shown[text] = MASK if is_secret else redacted(item, depth + 1)
    if len(value) > ITEMS_MAX:
        shown[CUT] = len(value) - ITEMS_MAX
    return shown


def _is_secret_pair(value: Iterable[object]) -> bool:
    """Tell whether this is a field of a form: `("user_data[password]", "...")`."""
    if not isinstance(value, Sequence) or len(value) != 2:
        return False
    name = value[0]
    return isinstance(name, str) and is_secret_name(name)


def _text(text: str) -> str:
    """Return *text* bounded, then redacted, and fit for UTF-8."""
    text = str(text)
    if len(text) > TEXT_MAX:
        # What the cut may have left of a word is not shown: it could be part of a secret.
        text = text[:TEXT_MAX].rpartition(" ")[0] + " " + CUT
    text = redact_text(text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _shown(value: object, how: type[str] | Any) -> str:  # noqa: ANN401 - str or repr
    try:
        return str(how(value))
    except Exception:  # noqa: BLE001 - somebody else's __repr__ must not break a log line
        return f"[unprintable {type(value).__name__}]"
