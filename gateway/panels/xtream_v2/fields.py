"""Typed values to the texts of a form, and the refusal of what the panel would not keep.

Each function returns the exact text that travels, or raises PanelRefusedValues before anything is
sent: the same error that the panel's own refusal would become.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeVar

from gateway.domain.calls import UNCHANGED, Credentials, Unchanged
from gateway.domain.clock import to_unix
from gateway.domain.errors import PanelRefusedValues
from gateway.domain.panel_text import (
    LONG_TEXT_MAX,
    column_faults,
    credential_faults,
    list_item_faults,
    value_faults,
)
from gateway.domain.panels import Panel
from gateway.domain.subscriptions import SENTINEL
from gateway.panels.dialect import Form

#: 2145916800, the stand-in for "never" on an edit, and the first expiry that reads as never: a
#: form cannot carry null. It stays under 2147483647, where the column is cut.
NEVER_SECONDS: Final = to_unix(SENTINEL)

_INT_MAX: Final = 2**31 - 1  # The columns are 32 bits wide; larger numbers are cut in silence.

_MAC: Final = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", re.ASCII)

#: A column and its text; None leaves the column out.
Field = tuple[str, str | None]
ValueT = TypeVar("ValueT")


def top_level(credentials: Credentials) -> Form:
    """Return the pair that finds an existing line."""
    return (
        ("username", credential("username", credentials.username)),
        ("password", credential("password", credentials.password.reveal())),
    )


def user_data(fields: Iterable[Field]) -> Form:
    """Return *fields* as entries of the array `user_data`, in their order."""
    return tuple((f"user_data[{name}]", text) for name, text in fields if text is not None)


def unless_unchanged(value: ValueT | Unchanged, encode: Callable[[ValueT], str]) -> str | None:
    """Return the text of *value*, or None when the edit leaves it alone."""
    return None if value is UNCHANGED else encode(value)


def credential(name: str, text: str) -> str:
    """Return a username or password; what a panel would mangle or not find again is refused."""
    _refuse(name, credential_faults(text))
    return text


def mac(text: str) -> str:
    """Return a MAC in upper case with colons; a panel takes any other spelling for other boxes."""
    if _MAC.fullmatch(text) is None:
        _refuse("mac", "It is not in upper case with colons.")
    return text


def notes(text: str) -> str:
    """Return free text that may have several lines."""
    _refuse("notes", value_faults(text, max_length=LONG_TEXT_MAX, lines=True))
    return text


def admin_notes(text: str) -> str:
    """Return free text that may have several lines."""
    _refuse("admin_notes", value_faults(text, max_length=LONG_TEXT_MAX, lines=True))
    return text


def flag(value: bool) -> str:  # noqa: FBT001 - it is the value, not an option.
    """Return 1 or 0; the words true and false would both be stored as 0."""
    return "1" if value else "0"


def count(value: int | None) -> str:
    """Return a number of connections; None, no limit, is 0 on the wire."""
    if value is None:
        return "0"
    if not 1 <= value <= _INT_MAX:
        _refuse("max_connections", "It is not a number from 1 up.")
    return str(value)


def row_id(value: int | None) -> str:
    """Return the id of another row; None is 0, which a panel takes for "none"."""
    if value is not None and not 0 <= value <= _INT_MAX:
        _refuse("id", "It is not a number from 0 up.")
    return str(value or 0)


def moment(value: datetime) -> str:
    """Return an expiry as Unix seconds: after 1970, before the sentinel.

    0 is a state of its own on a panel and the sentinel reads as never: neither is a date.
    """
    seconds = to_unix(value)
    if not 0 < seconds < NEVER_SECONDS:
        _refuse("expires_at", "It is not between 1970 and 2038.")
    return str(seconds)


def moment_or_never(value: datetime | None) -> str:
    """Return an expiry for an edit, which cannot write "never": None becomes the sentinel."""
    return str(NEVER_SECONDS) if value is None else moment(value)


def ids(values: tuple[int, ...]) -> str:
    """Return a JSON array of numbers; `[]` takes all away."""
    for value in values:
        if not 0 < value <= _INT_MAX:
            _refuse("bouquet_ids", "One is not a number from 1 up.")
    return json.dumps(values, separators=(",", ":"))


def texts(values: tuple[str, ...]) -> str:
    """Return a JSON array of texts in raw UTF-8, without any escape; `[]` lifts the restriction."""
    for value in values:
        _refuse("allowed_ips or allowed_user_agents", list_item_faults(value))
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    _refuse("allowed_ips or allowed_user_agents", value_faults(text, max_length=LONG_TEXT_MAX))
    return text


def extra_columns(values: tuple[tuple[str, str], ...], panel: Panel) -> list[Field]:
    """Return the columns that only this panel has; each must be in its setting, once."""
    names = [name.lower() for name, _text in values]  # As MySQL compares them.
    if len(set(names)) != len(names):
        _refuse("extra", "A column appears twice.")
    for name, text in values:
        if name not in panel.extra_columns:
            _refuse("extra", "A column is not in the panel's setting.")
        _refuse("extra", column_faults(name) or value_faults(text))
    return list(values)


def _refuse(name: str, fault: str | None) -> None:
    if fault is not None:
        raise PanelRefusedValues(f"The panel could not keep {name} as it is: {fault}")
