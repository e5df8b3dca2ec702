"""The session that sees and touches only the rows of its scope. What it cannot narrow, it refuses.

One way around it remains, for this package only: `session.connection()`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors

from gateway.db.columns import Base, Owned
from gateway.db.rows import PanelRow
from gateway.db.rows_devices import DeviceRow
from gateway.db.rows_lines import LineRow
from gateway.domain.caller import ROOT_PATH

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import UOWTransaction
    from sqlalchemy.orm.util import LoaderCriteriaOption
    from sqlalchemy.sql.visitors import ExternallyTraversible

    from gateway.services.scope import Scope

#: The execution option of a select that may also see the owners above the scope.
WITH_ANCESTORS: Final = "gateway_with_ancestors"


class ScopedSession(Session):
    """A session whose `info` has its `scope` and whether it is `writable`.

    Without a scope every statement and flush raises KeyError. What is refused raises
    RuntimeError: it is a bug of ours, never of a caller.
    """


@event.listens_for(ScopedSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    """Add the scope to a select, update or delete; refuse anything else."""
    scope: Scope = state.session.info["scope"]
    if not state.is_orm_statement or state.is_insert or state.is_from_statement:
        raise RuntimeError("only ORM select, update and delete can be narrowed to a scope")
    if not state.is_select:
        _check_bulk(state)
    # Rows are mapped to domain objects at once, so the database always knows better than memory.
    options: dict[str, Any] = (
        {"populate_existing": True} if state.is_select else {"synchronize_session": False}
    )
    state.update_execution_options(**options)
    if not scope.is_everything:
        _refuse_core(state)
        ancestors = bool(state.execution_options.get(WITH_ANCESTORS)) and state.is_select
        state.statement = state.statement.options(_criteria(scope, ancestors=ancestors))
    if scope.resource_id is not None:
        state.statement = state.statement.options(*_bound_criteria(scope.resource_id))


@event.listens_for(ScopedSession, "before_flush")
def _refuse_foreign(session: Session, _flush: UOWTransaction, _rows: object) -> None:
    """Refuse a flush in a read session; in any, rows of other owners, and what is out of bounds."""
    scope: Scope = session.info["scope"]
    if not session.info["writable"]:
        raise RuntimeError("this session only reads")
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Owned) and not row.owner_path.startswith(scope.path):
            raise RuntimeError(f"{type(row).__name__} belongs to another owner")
        if scope.resource_id is not None and not _is_in_bounds(row, session, scope.resource_id):
            raise RuntimeError(f"{type(row).__name__} is not about what this scope is bound to")


def _is_in_bounds(row: Base, session: Session, resource_id: str) -> bool:
    if row.about is not None:
        return bool(getattr(row, row.about) == resource_id)
    return row.bound_may_add and row in session.new


def _check_bulk(state: ORMExecuteState) -> None:
    """Refuse changes in a read session, and changes of the owner in any."""
    if not state.session.info["writable"]:
        raise RuntimeError("this session only reads")
    values = getattr(state.statement, "_values", None) or {}
    names = {getattr(column, "key", column) for column in values}
    if state.is_executemany or isinstance(state.parameters, dict):
        raise RuntimeError("an update takes its values in the statement")
    if "owner_path" in names:
        raise RuntimeError("the owner of a row never changes")


def _refuse_core(state: ORMExecuteState) -> None:
    """Refuse SQL text and Core tables inside an ORM statement: nothing would narrow those.

    `Session.get` and `refresh` name the primary key by its Core column, so that is let through
    where it is compared, but not where it is selected.
    """
    mapper = state.bind_mapper
    keys = frozenset(mapper.primary_key) if mapper is not None else frozenset()
    for element in visitors.iterate(cast("ExternallyTraversible", state.statement)):
        if isinstance(element, sa.Select):
            selected = element._raw_columns  # noqa: SLF001
            found = any(_is_core(it) or _is_core_table(it) for it in selected)
        else:
            found = element not in keys and _is_core(element)
        if found:
            raise RuntimeError("text and Core tables cannot be narrowed to a scope")


def _is_core(element: object) -> bool:
    if not isinstance(element, sa.ColumnClause):
        return isinstance(element, sa.TextClause)
    if element.is_literal:
        return element.name != "*"
    return not _is_mapped(element) and _is_core_table(element.table)


def _is_core_table(element: object) -> bool:
    while isinstance(element, sa.Alias):
        element = element.element
    return isinstance(element, sa.TableClause) and not _is_mapped(element)


def _is_mapped(element: sa.ClauseElement) -> bool:
    """Tell whether SQLAlchemy knows it as part of a mapped class."""
    return "parententity" in element._annotations  # noqa: SLF001


def _criteria(scope: Scope, *, ancestors: bool) -> LoaderCriteriaOption:
    start, end = scope.path, scope.path_end
    if not ancestors:

        def within(cls: type[Owned]) -> ColumnElement[bool]:
            return (cls.owner_path >= start) & (cls.owner_path < end)

        return with_loader_criteria(Owned, within, include_aliases=True)
    above = tuple(ancestors_of(scope.path))

    def within_or_above(cls: type[Owned]) -> ColumnElement[bool]:
        return ((cls.owner_path >= start) & (cls.owner_path < end)) | cls.owner_path.in_(above)

    return with_loader_criteria(Owned, within_or_above, include_aliases=True)


@lru_cache(maxsize=1024)
def _bound_criteria(resource_id: str) -> tuple[LoaderCriteriaOption, ...]:
    """Return the tests that leave, of every table there is, only the rows about this one thing."""
    return tuple(
        with_loader_criteria(
            mapper.class_, _bound_test(mapper.class_, resource_id), include_aliases=True
        )
        for mapper in Base.registry.mappers
    )


def _bound_test(row: Any, resource_id: str) -> ColumnElement[bool]:  # noqa: ANN401 - a class of rows
    if row is PanelRow:  # The one that it is on: it has to be asked.
        its_own = (
            sa.select(each.panel_id).where(each.id == resource_id) for each in (LineRow, DeviceRow)
        )
        return sa.or_(*(row.id.in_(query) for query in its_own))
    if row.about is None:
        return sa.false()
    column: ColumnElement[str] = getattr(row, row.about)
    return column == resource_id


def ancestors_of(owner_path: str) -> list[str]:
    """Return the paths of the owners above, without the root: `/a/b/c/` -> `/a/`, `/a/b/`."""
    ids = owner_path.strip(ROOT_PATH).split(ROOT_PATH)[:-1]
    return [f"/{'/'.join(ids[: count + 1])}/" for count in range(len(ids))]
