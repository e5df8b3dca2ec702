"""What a panel has, in `api.php`: reg_user/list, server/list and stream/list.

Facts, each recorded on a real panel unless marked as read about:
- The answer is a bare array without an envelope; a refusal is an object as elsewhere.
- An account is all texts and nulls, a server has a number for its id, a stream a text; later
  revisions are read to send numbers where this one sends texts.
- Credits are a single-precision number, told with 6 significant digits: "10.5", "123484". The
  text is kept, not made a binary fraction.
- An account also tells its owner's e-mail and last address: they stop here.
- reg_user/credits is no call of ours: it reads, adds and writes back without a lock, and knows no
  key, so sending it twice adds twice.
- A panel that lacks one of these calls gives an empty answer; so does a wrong port.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from gateway.domain.calls import (
    Accounts,
    ListAccounts,
    ListServers,
    ListStreams,
    PanelAccountInfo,
    PanelServerInfo,
    PanelStreamInfo,
    Servers,
    Streams,
)
from gateway.domain.errors import PanelUnsupported
from gateway.domain.panels import Panel
from gateway.panels.dialect import LIST_BYTES_MAX, Answer, Form, Verb
from gateway.panels.xtream_v2 import answers, values
from gateway.panels.xtream_v2.body import Json

_DECIMAL: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_DECIMAL_END: Final = 10**15


def encode(_call: object, _panel: Panel) -> Form:
    """Return the form of a list: it has no field."""
    return ()


def decode_accounts(answer: Answer, _call: ListAccounts) -> Accounts:
    """Return the accounts.

    Raises:
        PanelUnavailable, PanelMisconfigured, PanelUnsupported: no usable answer.
    """
    return Accounts(
        tuple(
            PanelAccountInfo(
                id=_row_id(row),
                username=values.text(row.get("username")),
                credits=_decimal(row.get("credits")),
                group_id=values.integer(row.get("group_id")),
                group_name=values.text(row.get("group_name")),
                status=values.integer(row.get("status")),
            )
            for row in _rows(answer)
        )
    )


def decode_servers(answer: Answer, _call: ListServers) -> Servers:
    """Return the servers.

    Raises:
        PanelUnavailable, PanelMisconfigured, PanelUnsupported: no usable answer.
    """
    return Servers(
        tuple(
            PanelServerInfo(
                id=_row_id(row),
                name=values.text(row.get("server_name")),
                online=_switch(row.get("online")),
            )
            for row in _rows(answer)
        )
    )


def decode_streams(answer: Answer, _call: ListStreams) -> Streams:
    """Return the live streams.

    Raises:
        PanelUnavailable, PanelMisconfigured, PanelUnsupported: no usable answer.
    """
    return Streams(
        tuple(
            PanelStreamInfo(id=_row_id(row), name=values.text(row.get("stream_name")))
            for row in _rows(answer)
        )
    )


def _rows(answer: Answer) -> list[dict[str, Json]]:
    """Return the objects of an array, all of them: a list with a gap would be a wrong one."""
    if answers.classify(answer)[0] is answers.Kind.EMPTY:
        raise PanelUnsupported("The panel has no such call, or its port is the wrong one.")
    listed = answers.read_answer(answer, gate=False)
    if not isinstance(listed, list):
        raise answers.broken()
    rows = [row for row in listed if isinstance(row, dict)]
    if len(rows) != len(listed):
        raise answers.broken()
    return rows


def _row_id(row: dict[str, Json]) -> int:
    number = values.integer(row.get("id"))
    if number is None or number <= 0:
        raise answers.broken()
    return number


def _decimal(value: Json) -> str | None:
    """Return a decimal number without exponent, from its text or from a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    if _DECIMAL.fullmatch(text) is None:
        return None
    number = Decimal(text)
    return format(number, "f") if abs(number) < _DECIMAL_END else None


def _switch(value: Json) -> bool | None:
    if isinstance(value, bool):
        return value
    number = values.integer(value)
    return None if number is None else number != 0


ACCOUNTS: Final = Verb("reg_user", "list", encode, decode_accounts, LIST_BYTES_MAX)
SERVERS: Final = Verb("server", "list", encode, decode_servers, LIST_BYTES_MAX)
STREAMS: Final = Verb("stream", "list", encode, decode_streams, LIST_BYTES_MAX)
