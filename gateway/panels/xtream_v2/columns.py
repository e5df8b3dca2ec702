"""The columns of a line, which a device has too: the fixed list of what a call may write.

Facts, each recorded on a real panel:
- Every key of `user_data` becomes the name of a column. We send a fixed list of keys.
- `exp_date` is Unix seconds. On create a missing key means never; an empty text and 0 are never
  sent, and any other text would be an expired line. An edit cannot write "never" at all, so it
  writes the sentinel, and whatever is at or past that reads as never.
- `max_connections` 0 means no limit.
- `bouquet`, `allowed_ips` and `allowed_ua` are JSON texts inside a form field. A create stores
  anything else as an empty list and says nothing; backslashes are lost, so the texts hold none.
- `%` in a value of an edit is a format directive, and only there: doubled, it is itself.
- A panel whose database is strict refuses a create that leaves out one of four text columns:
  `admin_notes`, `reseller_notes`, `forced_country`, `play_token`. Empty is fine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.domain.calls import Creation, Edit
from gateway.domain.errors import PanelRefusedValues
from gateway.domain.panels import Panel
from gateway.panels.dialect import Form
from gateway.panels.xtream_v2 import fields
from gateway.panels.xtream_v2.fields import Field

#: Sent empty on create for strict databases, which know no default for them.
_STRICT_TEXTS: Final = ("forced_country", "play_token")


def creation_form(
    identity: Iterable[Field],
    call: Creation,
    panel: Panel,
    *,
    user_agents: tuple[str, ...] | None = None,
) -> Form:
    """Return the form that makes a line or a device; *identity* tells which one.

    Args:
        identity: the fields by which the panel will know it.
        call: the values.
        panel: whose setting names the extra columns.
        user_agents: None where the panel would not keep them.

    Raises:
        PanelRefusedValues: the panel would change, cut or refuse a value; nothing is sent.
    """
    server = call.force_server_id
    return fields.user_data(
        [
            *identity,
            ("max_connections", fields.count(call.max_connections)),
            ("is_restreamer", fields.flag(call.is_restreamer)),
            ("is_trial", fields.flag(call.is_trial)),
            ("exp_date", None if call.expires_at is None else fields.moment(call.expires_at)),
            ("bouquet", fields.ids(call.bouquet_ids)),
            ("allowed_ips", fields.texts(call.allowed_ips)),
            ("allowed_ua", None if user_agents is None else fields.texts(user_agents)),
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


def edit_form(finding: Form, identity: Iterable[Field], call: Edit, panel: Panel) -> Form:
    """Return the form that changes what *finding* finds: *identity* and the values of *call*.

    Raises:
        PanelRefusedValues: the panel would change, cut or refuse a value, or nothing is to
            change; nothing is sent.
    """
    unless = fields.unless_unchanged
    changes = fields.user_data(
        [
            *identity,
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
    return finding + tuple((name, text.replace("%", "%%")) for name, text in changes)
