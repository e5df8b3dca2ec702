"""A line's row, in words of the domain: the mapping, its state in SQL, its searched prefixes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from gateway.db.rows_lines import OPERATOR, LineRow
from gateway.domain.ids import LineId, PanelId, ResellerId
from gateway.domain.lines import Line, LineState, LineStatus, normal_username
from gateway.domain.panels import SuspendBy
from gateway.domain.secrets import Secret

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.services.ports.sealer import Sealer

#: What never changes after the insert; the owner is the scope's business.
_FIXED: Final = frozenset({"id", "owner_path", "created_at"})
_SURROGATES: Final = range(0xD800, 0xE000)


def _place(line_id: str) -> str:
    return f"lines.password:{line_id}"


def line_of(row: LineRow, sealer: Sealer) -> Line:
    """Return the line that a row holds."""
    return Line(
        id=LineId(row.id),
        panel_id=PanelId(row.panel_id),
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        external_id=row.external_id,
        plan_id=row.plan_id,
        username=row.username,
        password=Secret(sealer.unseal(row.password, _place(row.id)).decode()),
        status=LineStatus(row.status),
        suspended_by=None if row.suspended_by is None else SuspendBy(row.suspended_by),
        is_banned=row.is_banned,
        expires_at=row.expires_at,
        max_connections=row.max_connections,
        bouquet_ids=tuple(row.bouquet_ids),
        is_trial=row.is_trial,
        is_restreamer=row.is_restreamer,
        allowed_ips=tuple(row.allowed_ips),
        allowed_user_agents=tuple(row.allowed_user_agents),
        notes=row.notes,
        admin_notes=row.admin_notes,
        metadata=row.labels,
        member_id=row.member_id,
        force_server_id=row.force_server_id,
        isp_lock=row.isp_lock,
        extra=row.extra,
        panel_line_id=row.panel_line_id,
        version=row.version,
        epoch=row.epoch,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def row_of(line: Line, sealer: Sealer) -> LineRow:
    """Return a row to insert."""
    return LineRow(**_columns_of(line, sealer))


def values_of(line: Line, sealer: Sealer) -> dict[str, Any]:
    """Return what a save writes."""
    columns = _columns_of(line, sealer)
    return {name: value for name, value in columns.items() if name not in _FIXED}


def _columns_of(line: Line, sealer: Sealer) -> dict[str, Any]:
    external_id = line.external_id
    return {
        "id": line.id,
        "panel_id": line.panel_id,
        "reseller_id": line.reseller_id,
        "owner_path": line.owner_path,
        "external_owner": line.reseller_id or OPERATOR,
        "external_id": external_id,
        "external_id_norm": None if external_id is None else external_id.casefold(),
        "plan_id": line.plan_id,
        "username": line.username,
        "username_norm": normal_username(line.username),
        "password": sealer.seal(line.password.reveal().encode(), _place(line.id)),
        "status": line.status.value,
        "suspended_by": None if line.suspended_by is None else line.suspended_by.value,
        "is_banned": line.is_banned,
        "expires_at": line.expires_at,
        "max_connections": line.max_connections,
        "bouquet_ids": list(line.bouquet_ids),
        "is_trial": line.is_trial,
        "is_restreamer": line.is_restreamer,
        "allowed_ips": list(line.allowed_ips),
        "allowed_user_agents": list(line.allowed_user_agents),
        "notes": line.notes,
        "admin_notes": line.admin_notes,
        "labels": line.metadata,
        "member_id": line.member_id,
        "force_server_id": line.force_server_id,
        "isp_lock": line.isp_lock,
        "extra": line.extra,
        "panel_line_id": line.panel_line_id,
        "version": line.version,
        "epoch": line.epoch,
        "created_at": line.created_at,
        "updated_at": line.updated_at,
    }


def in_state(state: LineState, now: datetime) -> sa.ColumnElement[bool]:
    """Return what `Line.state_at` says, in SQL; a property test holds the two together."""
    if state in {LineState.PENDING, LineState.UNKNOWN, LineState.TERMINATED}:
        return LineRow.status == state.value
    live = LineRow.status == LineStatus.LIVE.value
    if state is LineState.BANNED:
        return live & LineRow.is_banned
    allowed = live & ~LineRow.is_banned
    if state is LineState.SUSPENDED:
        return allowed & LineRow.suspended_by.is_not(None)
    running = allowed & LineRow.suspended_by.is_(None)
    if state is LineState.EXPIRED:
        return running & (LineRow.expires_at <= now)
    return running & (LineRow.expires_at.is_(None) | (LineRow.expires_at > now))


def with_prefix(prefix: str) -> sa.ColumnElement[bool]:
    """Return the test for a username or external id that begins so, whatever the case.

    Ranges, since LIKE uses no index and has wildcards. And a subquery for each index: with `OR`
    SQLite would rather walk through all lines in the order of the page.
    """
    start = normal_username(prefix)
    end = _after(start)
    found = []
    for name in ("username_norm", "external_id_norm"):
        other = aliased(LineRow)
        column = getattr(other, name)
        query = sa.select(other.id).where(column >= start)
        found.append(query if end is None else query.where(column < end))
    return LineRow.id.in_(sa.union(*found))


def _after(prefix: str) -> str | None:
    """Return the first text after all that begin with *prefix*, by code points; None: no end."""
    while prefix:
        code = ord(prefix[-1]) + 1
        if code in _SURROGATES:
            code = _SURROGATES.stop
        if code <= sys.maxunicode:
            return prefix[:-1] + chr(code)
        prefix = prefix[:-1]
    return None
