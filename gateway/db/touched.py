"""Which watched rows a transaction changes, so that those who watch them can be told.

Inserted and flushed rows are noted by themselves. A bulk change cannot know its rows before it
runs, so it names them with `touching`; one that does not is refused. Thus no repository can change
a watched row and forget to say so.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from gateway.db.columns import Watched
from gateway.db.scope_guard import ScopedSession

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

ChangeT = TypeVar("ChangeT", sa.Update, sa.Delete)

#: The execution option of a bulk change: the ids of the rows that it may change.
_TOUCHES: Final = "gateway_touches"
_INFO: Final = "touched"


def touching(change: ChangeT, *row_ids: str) -> ChangeT:
    """Return *change* with the ids of all rows that it may change; none: nothing anybody sees."""
    return change.execution_options(**{_TOUCHES: row_ids})


def touched(session: AsyncSession) -> Collection[str]:
    """Return the ids of the watched rows that this transaction has changed so far."""
    return _touched(session.sync_session)


def _touched(session: Session) -> set[str]:
    found: set[str] = session.info.setdefault(_INFO, set())
    return found


@event.listens_for(ScopedSession, "after_flush")
def _note_flushed(session: Session, _flush: UOWTransaction) -> None:
    rows = (*session.new, *session.dirty, *session.deleted)
    _touched(session).update(row.id for row in rows if isinstance(row, Watched))


@event.listens_for(ScopedSession, "do_orm_execute")
def _note_bulk(state: ORMExecuteState) -> None:
    """Note the rows of a bulk change; refuse one of watched rows that names none."""
    mapper = state.bind_mapper
    if state.is_select or mapper is None or not issubclass(mapper.class_, Watched):
        return
    row_ids = state.execution_options.get(_TOUCHES)
    if row_ids is None:
        raise RuntimeError(f"a bulk change of {mapper.class_.__name__} must say what it touches")
    _touched(state.session).update(row_ids)
