"""Lines in `api.php`: user/create, user/edit and user/info; their columns are in `columns.py`.

Facts, each recorded on a real panel:
- Status 200 says nothing. What is not listed in `answers.py` and below is unknown.
- A create tests the pair of username and password (by the panel's page: the username alone) and
  echoes both; an edit answers true whether or not something was different.
- Info finds a line without regard to case and accents, and accepts one of the two credentials in
  the wrong case.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.domain.calls import (
    UNCHANGED,
    CreatedLine,
    CreateLine,
    Edited,
    EditLine,
    GetLineInfo,
    LineInfo,
    NotOnPanel,
    Taken,
)
from gateway.domain.panels import Panel
from gateway.domain.secrets import Secret
from gateway.panels.dialect import Answer, Form, Verb
from gateway.panels.xtream_v2 import answers, columns, fields
from gateway.panels.xtream_v2.body import Json
from gateway.panels.xtream_v2.line_info import line_info

_ROW_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def encode_create(call: CreateLine, panel: Panel) -> Form:
    """Return the form of a user/create; username and password are always in it.

    Raises:
        PanelRefusedValues: the panel would change, cut or refuse a value; nothing is sent.
    """
    pair = call.credentials
    identity = [
        ("username", fields.credential("username", pair.username)),
        ("password", fields.credential("password", pair.password.reveal())),
    ]
    return columns.creation_form(identity, call, panel, user_agents=call.allowed_user_agents)


def encode_edit(call: EditLine, panel: Panel) -> Form:
    """Return the form of a user/edit: the pair that finds the line, then what is to change.

    Raises:
        PanelRefusedValues: the panel would change, cut or refuse a value, or nothing is to
            change; nothing is sent.
    """
    new_password = None
    if call.new_password is not UNCHANGED:
        new_password = fields.credential("password", call.new_password.reveal())
    finding = fields.top_level(call.credentials)
    return columns.edit_form(finding, [("password", new_password)], call, panel)


def encode_info(call: GetLineInfo, _panel: Panel) -> Form:
    """Return the form of a user/info.

    Raises:
        PanelRefusedValues: the panel would look for another pair than this one; nothing is sent.
    """
    return fields.top_level(call.credentials)


def decode_create(answer: Answer, call: CreateLine) -> CreatedLine | Taken:
    """Return the new row's id, or Taken; success needs both credentials echoed as they were sent.

    Raises:
        PanelRefusedValues, PanelMisconfigured: definitely refused.
        PanelOutcomeUnknown: anything else.
    """
    value = answers.change_answer(answer, gate=False)
    refusal = answers.refusal_in(value)
    if refusal == "EXISTS":
        return Taken()
    if refusal is not None:
        raise answers.refused(refusal)
    found = _created_id(value.get("created_id"))
    pair = call.credentials
    echoed = value.get("username") == pair.username and _is_it(pair.password, value.get("password"))
    if found is None or not echoed or not answers.is_success(value):
        raise answers.unknown()
    return CreatedLine(panel_line_id=found)


def decode_edit(answer: Answer, _call: EditLine) -> Edited | NotOnPanel:
    """Return Edited, also where nothing was different, or NotOnPanel.

    Raises:
        PanelRefusedValues, PanelMisconfigured, PanelLineGated: definitely refused.
        PanelOutcomeUnknown: anything else.
    """
    value = answers.change_answer(answer, gate=True)
    refusal = answers.refusal_in(value)
    if refusal == "NOT EXISTS":
        return NotOnPanel()
    if refusal is not None:
        raise answers.refused(refusal)
    if not answers.is_success(value):
        raise answers.unknown()
    return Edited()


def decode_info(answer: Answer, call: GetLineInfo) -> LineInfo | NotOnPanel:
    """Return what the panel says of the line, or NotOnPanel.

    A bare `{"result":false}` is NotOnPanel: the panel's page promises no words for it. So is a
    line with other credentials than those asked for, letter by letter: it is another line that
    the panel's comparison takes for the same.

    Raises:
        PanelUnavailable, PanelMisconfigured, PanelLineGated: no usable answer.
    """
    value = answers.info_answer(answer, gate=True)
    if value is None:
        return NotOnPanel()
    shown = value.get("user_info")
    if not isinstance(shown, dict):
        raise answers.broken()
    if not _is_same_line(shown, call):
        return NotOnPanel()
    return line_info(shown)


def _is_same_line(shown: dict[str, Json], call: GetLineInfo) -> bool:
    pair = call.credentials
    # Later revisions may keep the password to themselves; the username is always shown.
    password = shown.get("password", pair.password.reveal())
    return shown.get("username") == pair.username and _is_it(pair.password, password)


def _is_it(password: Secret, shown: Json) -> bool:
    return isinstance(shown, str) and password.equals(shown)


def _created_id(value: Json) -> int | None:
    """Return a row id from a number, or from a text of digits as later revisions send it."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**19:
        return value
    if isinstance(value, str) and _ROW_ID.fullmatch(value) is not None:
        return int(value)
    return None


CREATE: Final = Verb("user", "create", encode_create, decode_create)
EDIT: Final = Verb("user", "edit", encode_edit, decode_edit)
INFO: Final = Verb("user", "info", encode_info, decode_info)
