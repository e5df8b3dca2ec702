"""The `user_info` of an answer, typed.

Facts, each recorded on a real panel unless marked as read about:
- Numbers and switches are texts; later revisions are read to send numbers, and to leave
  `active_cons` and `pair_line_info` out.
- `exp_date` null (by the panel's page: empty) is never. "0" is a state of its own, which play and
  player interfaces take for expired: it reads as 1970.
- `bouquet` is null, an object or a number when the stored text was no list; the allow lists become
  objects when blank items were dropped, and so does `channel_ids` with gaps.
- `output_formats` and `pair_line_info` are `[]` when empty, else objects; `max_connections` of a
  pair is false when the paired line is gone.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Final

from gateway.domain.calls import Connections, DeviceInfo, Isp, LineInfo
from gateway.domain.clock import from_unix
from gateway.panels.xtream_v2 import answers, values
from gateway.panels.xtream_v2.body import Json
from gateway.panels.xtream_v2.fields import NEVER_SECONDS

_NO_MOMENT: Final = frozenset({None, ""})


def line_info(shown: dict[str, Json]) -> LineInfo:
    """Return *shown* as a LineInfo; the password in it is dropped.

    Raises:
        PanelUnavailable: it has no row id, username, expiry or number of connections that can be
            understood; a change could not be verified by it.
    """
    allowed = values.integer(shown.get("max_connections"))
    row = values.integer(shown.get("id"))
    username = shown.get("username")
    if allowed is None or row is None or row <= 0 or not isinstance(username, str):
        raise answers.broken()
    return LineInfo(
        panel_line_id=row,
        username=username,
        member_id=values.integer(shown.get("member_id")),
        enabled=values.flag(shown.get("enabled"), otherwise=True),
        admin_enabled=values.flag(shown.get("admin_enabled"), otherwise=True),
        expires_at=_expiry(shown),
        active_connections=values.integer(shown.get("active_cons")),
        max_connections=allowed or None,
        bouquet_ids=values.integers(shown.get("bouquet")),
        allowed_ips=values.texts(shown.get("allowed_ips")),
        allowed_user_agents=values.texts(shown.get("allowed_ua")),
        is_trial=values.flag(shown.get("is_trial"), otherwise=False),
        is_restreamer=values.flag(shown.get("is_restreamer"), otherwise=False),
        notes=values.text(shown.get("reseller_notes")),
        admin_notes=values.text(shown.get("admin_notes")),
        created_at=values.moment(shown.get("created_at")),
        channel_ids=values.ids_in_order(shown.get("channel_ids")),
        series_ids=values.ids_in_order(shown.get("series_ids")),
        output_formats=values.keys(shown.get("output_formats")),
        pair=_pair(shown.get("pair_line_info")),
        isp=_isp(shown),
        country=values.text(shown.get("forced_country")) or None,
        force_server_id=values.integer(shown.get("force_server_id")) or None,
        pair_id=values.integer(shown.get("pair_id")) or None,
    )


def device_info(shown: dict[str, Json], device_id: int, mac: str) -> DeviceInfo:
    """Return *shown*, the line behind a device, as a DeviceInfo.

    Raises:
        PanelUnavailable: as `line_info`.
    """
    line = line_info(shown)
    facts = {field.name: getattr(line, field.name) for field in dataclasses.fields(line)}
    return DeviceInfo(panel_device_id=device_id, mac=mac, **facts)


def _expiry(shown: dict[str, Json]) -> datetime | None:
    """Return the expiry; None is never. What is at or before 1970 is 1970: expired, not never."""
    if "exp_date" not in shown:
        raise answers.broken()
    sent = shown["exp_date"]
    if isinstance(sent, str | None) and sent in _NO_MOMENT:
        return None
    seconds = values.integer(sent)
    if seconds is None:
        raise answers.broken()
    return None if seconds >= NEVER_SECONDS else from_unix(max(0, seconds))


def _pair(sent: Json) -> Connections | None:
    """Return the paired line's connections; None without a pair, or when its row is gone."""
    if not isinstance(sent, dict):
        return None
    allowed = values.integer(sent.get("max_connections"))
    if allowed is None:
        return None
    active = values.integer(sent.get("active_cons"))
    return Connections(active_connections=active, max_connections=allowed or None)


def _isp(shown: dict[str, Json]) -> Isp:
    return Isp(
        number=values.text(shown.get("as_number")) or None,
        name=values.text(shown.get("isp_desc")) or None,
        locked=values.flag(shown.get("is_isplock"), otherwise=False),
        violation=values.flag(shown.get("isp_violate"), otherwise=False),
    )
