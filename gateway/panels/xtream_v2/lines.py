"""Lines in `api.php`: user/create, user/edit and user/info.

Facts, each recorded on a real panel:
- Every key of `user_data` becomes the name of a column. We send a fixed list of keys.
- Status 200 says nothing. What is not listed in `answers.py` and below is unknown.
- `exp_date` is Unix seconds. On create a missing key means never; an empty text and 0 are never
  sent, and any other text would be an expired line. An edit cannot write "never" at all, so it
  writes the sentinel, and whatever is at or past that reads as never.
- `max_connections` 0 means no limit.
- `bouquet`, `allowed_ips` and `allowed_ua` are JSON texts inside a form field. A create stores
  anything else as an empty list and says nothing; backslashes are lost, so the texts hold none.
- `%` in a value of an edit is a format directive, and only there: doubled, it is itself.
- A panel whose database is strict refuses a create that leaves out one of four text columns:
  `admin_notes`, `reseller_notes`, `forced_country`, `play_token`. Empty is fine.
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
    EditedLine,
    EditLine,
    GetLineInfo,
    LineInfo,
    NotOnPanel,
    Taken,
)
from gateway.domain.errors import PanelMisconfigured, PanelRefusedValues
from gateway.domain.panels import Panel
from gateway.panels.dialect import Answer, Form, Verb
from gateway.panels.xtream_v2 import answers, fields
from gateway.panels.xtream_v2.body import Json
from gateway.panels.xtream_v2.line_info import line_info

_ROW_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
#: Sent empty on create for strict databases, which know no default for them.
_STRICT_TEXTS: Final = ("forced_country", "play_token")
#: The panel's words for a failed SQL statement; with a `(` after it, a parameter did not arrive.
_PARAMETER_ERROR: Final = "PARAMETER ERROR"


def encode_create(call: CreateLine, panel: Panel) -> Form:
    """Return the form of a user/create; username and password are always in it.

    Raises:
        PanelRefusedValues: the panel would change, cut or refuse a value; nothing is sent.
    """
    pair, server = call.credentials, call.force_server_id
    return fields.user_data(
        [
            ("username", fields.credential("username", pair.username)),
            ("password", fields.credential("password", pair.password.reveal())),
            ("max_connections", fields.count(call.max_connections)),
            ("is_restreamer", fields.flag(call.is_restreamer)),
            ("is_trial", fields.flag(call.is_trial)),
            ("exp_date", None if call.expires_at is None else fields.moment(call.expires_at)),
            ("bouquet", fields.ids(call.bouquet_ids)),
            ("allowed_ips", fields.texts(call.allowed_ips)),
            ("allowed_ua", fields.texts(call.allowed_user_agents)),
            ("enabled", fields.flag(call.enabled)),
            ("admin_enabled", fields.flag(call.admin_enabled)),
            ("member_id", None if call.member_id is None else fields.row_id(call.member_id)),
            ("admin_notes", fields.admin_notes(call.admin_notes)),
            ("reseller_notes", fields.notes(call.notes)),
            *((name, "") for name in _STRICT_TEXTS if name not in dict(call.extra)),
            ("force_server_id", None if server is None else fields.row_id(server)),
            ("is_isplock", fields.flag(call.isp_lock)),
            *fields.extra_columns(call.extra, panel),
        ]
    )


def encode_edit(call: EditLine, panel: Panel) -> Form:
    """Return the form of a user/edit: the pair that finds the line, then what is to change.

    Raises:
        PanelRefusedValues: the panel would change, cut or refuse a value, or nothing is to
            change; nothing is sent.
    """
    new_password = None
    if call.new_password is not UNCHANGED:
        new_password = fields.credential("password", call.new_password.reveal())
    unless = fields.unless_unchanged
    changes = fields.user_data(
        [
            ("password", new_password),
            ("max_connections", unless(call.max_connections, fields.count)),
            ("is_restreamer", unless(call.is_restreamer, fields.flag)),
            ("is_trial", unless(call.is_trial, fields.flag)),
            ("exp_date", unless(call.expires_at, fields.moment_or_never)),
            ("bouquet", unless(call.bouquet_ids, fields.ids)),
            ("allowed_ips", unless(call.allowed_ips, fields.texts)),
            ("allowed_ua", unless(call.allowed_user_agents, fields.texts)),
            ("enabled", unless(call.enabled, fields.flag)),
            ("admin_enabled", unless(call.admin_enabled, fields.flag)),
            ("member_id", unless(call.member_id, fields.row_id)),
            ("admin_notes", unless(call.admin_notes, fields.admin_notes)),
            ("reseller_notes", unless(call.notes, fields.notes)),
            ("force_server_id", unless(call.force_server_id, fields.row_id)),
            ("is_isplock", unless(call.isp_lock, fields.flag)),
            *fields.extra_columns(call.extra, panel),
        ]
    )
    if not changes:
        raise PanelRefusedValues("An edit must change something.")
    doubled = tuple((name, text.replace("%", "%%")) for name, text in changes)
    return fields.top_level(call.credentials) + doubled


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
        raise _refused(refusal)
    found = _created_id(value.get("created_id"))
    pair = call.credentials
    echoed = value.get("username") == pair.username and pair.password.reveal() == value.get(
        "password"
    )
    if found is None or not echoed or not answers.is_success(value):
        raise answers.unknown()
    return CreatedLine(panel_line_id=found)


def decode_edit(answer: Answer, _call: EditLine) -> EditedLine | NotOnPanel:
    """Return EditedLine, also where nothing was different, or NotOnPanel.

    Raises:
        PanelRefusedValues, PanelMisconfigured, PanelLineGated: definitely refused.
        PanelOutcomeUnknown: anything else.
    """
    value = answers.change_answer(answer, gate=True)
    refusal = answers.refusal_in(value)
    if refusal == "NOT EXISTS":
        return NotOnPanel()
    if refusal is not None:
        raise _refused(refusal)
    if not answers.is_success(value):
        raise answers.unknown()
    return EditedLine()


def decode_info(answer: Answer, call: GetLineInfo) -> LineInfo | NotOnPanel:
    """Return what the panel says of the line, or NotOnPanel.

    A bare `{"result":false}` is NotOnPanel: the panel's page promises no words for it. So is a
    line with other credentials than those asked for, letter by letter: it is another line that
    the panel's comparison takes for the same.

    Raises:
        PanelUnavailable, PanelMisconfigured, PanelLineGated: no usable answer.
    """
    value = answers.read_answer(answer)
    if not isinstance(value, dict):
        raise answers.broken()
    if value == {"result": False} or answers.refusal_in(value) == "NOT EXISTS":
        return NotOnPanel()
    if (answers.refusal_in(value) or "").startswith(f"{_PARAMETER_ERROR} ("):
        raise PanelMisconfigured("The form does not arrive at the panel; a proxy may drop it.")
    shown = value.get("user_info")
    if not answers.is_success(value) or not isinstance(shown, dict):
        raise answers.broken()
    if not _is_same_line(shown, call):
        return NotOnPanel()
    return line_info(shown)


def _is_same_line(shown: dict[str, Json], call: GetLineInfo) -> bool:
    pair = call.credentials
    # Later revisions may keep the password to themselves; the username is always shown.
    password = shown.get("password", pair.password.reveal())
    return shown.get("username") == pair.username and password == pair.password.reveal()


def _refused(words: str) -> Exception:
    """Return the error for a definite refusal in the panel's *words*, or unknown for new words."""
    if words == _PARAMETER_ERROR or words.startswith(f"{_PARAMETER_ERROR} ("):
        return PanelRefusedValues("The panel's database refused a value.")
    return answers.unknown()


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
