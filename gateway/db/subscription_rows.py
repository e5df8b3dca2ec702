"""What the rows of lines and devices say, in words of the domain: members, state, prefixes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from gateway.db.rows_subscriptions import OPERATOR
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import State, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.db.rows_subscriptions import SubscriptionRow
    from gateway.domain.subscriptions import Subscription

_SURROGATES: Final = range(0xD800, 0xE000)


def members_of(row: SubscriptionRow) -> dict[str, Any]:
    """Return the members of the Subscription that a row holds."""
    return {
        "panel_id": PanelId(row.panel_id),
        "reseller_id": None if row.reseller_id is None else ResellerId(row.reseller_id),
        "owner_path": row.owner_path,
        "external_id": row.external_id,
        "plan_id": row.plan_id,
        "status": Status(row.status),
        "suspended_by": None if row.suspended_by is None else SuspendBy(row.suspended_by),
        "is_banned": row.is_banned,
        "expires_at": row.expires_at,
        "max_connections": row.max_connections,
        "bouquet_ids": tuple(row.bouquet_ids),
        "is_trial": row.is_trial,
        "is_restreamer": row.is_restreamer,
        "allowed_ips": tuple(row.allowed_ips),
        "allowed_user_agents": tuple(row.allowed_user_agents),
        "notes": row.notes,
        "admin_notes": row.admin_notes,
        "metadata": row.labels,
        "member_id": row.member_id,
        "force_server_id": row.force_server_id,
        "isp_lock": row.isp_lock,
        "extra": row.extra,
        "panel_line_id": row.panel_line_id,
        "version": row.version,
        "epoch": row.epoch,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def columns_of(resource: Subscription) -> dict[str, Any]:
    """Return the columns of a SubscriptionRow but its id."""
    external_id, suspended_by = resource.external_id, resource.suspended_by
    return {
        "panel_id": resource.panel_id,
        "reseller_id": resource.reseller_id,
        "owner_path": resource.owner_path,
        "external_owner": resource.reseller_id or OPERATOR,
        "external_id": external_id,
        "external_id_norm": None if external_id is None else external_id.casefold(),
        "plan_id": resource.plan_id,
        "status": resource.status.value,
        "suspended_by": None if suspended_by is None else suspended_by.value,
        "is_banned": resource.is_banned,
        "expires_at": resource.expires_at,
        "max_connections": resource.max_connections,
        "bouquet_ids": list(resource.bouquet_ids),
        "is_trial": resource.is_trial,
        "is_restreamer": resource.is_restreamer,
        "allowed_ips": list(resource.allowed_ips),
        "allowed_user_agents": list(resource.allowed_user_agents),
        "notes": resource.notes,
        "admin_notes": resource.admin_notes,
        "labels": resource.metadata,
        "member_id": resource.member_id,
        "force_server_id": resource.force_server_id,
        "isp_lock": resource.isp_lock,
        "extra": resource.extra,
        "panel_line_id": resource.panel_line_id,
        "version": resource.version,
        "epoch": resource.epoch,
        "created_at": resource.created_at,
        "updated_at": resource.updated_at,
        # What is made is read back at once; later comparisons have their own statement.
        "compared_at": resource.created_at,
        "tell_at": resource.created_at,
    }


def in_state(row: type[SubscriptionRow], state: State, now: datetime) -> sa.ColumnElement[bool]:
    """Return what `state_at` says, in SQL; a property test holds the two together."""
    if state in {State.PENDING, State.UNKNOWN, State.TERMINATED}:
        return row.status == state.value
    live = row.status == Status.LIVE.value
    if state is State.BANNED:
        return live & row.is_banned
    allowed = live & ~row.is_banned
    if state is State.SUSPENDED:
        return allowed & row.suspended_by.is_not(None)
    running = allowed & row.suspended_by.is_(None)
    if state is State.EXPIRED:
        return running & (row.expires_at <= now)
    return running & (row.expires_at.is_(None) | (row.expires_at > now))


def with_prefix(row: type[SubscriptionRow], prefixes: Mapping[str, str]) -> sa.ColumnElement[bool]:
    """Return the test for rows of which one of these columns begins with its prefix.

    Ranges, since LIKE uses no index and has wildcards. And a subquery for each index: with `OR`
    SQLite would rather walk through all rows in the order of the page.
    """
    found = []
    for name, start in prefixes.items():
        other = aliased(row)
        column = getattr(other, name)
        query = sa.select(other.id).where(column >= start)
        end = _after(start)
        found.append(query if end is None else query.where(column < end))
    return row.id.in_(sa.union(*found))


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
