"""Dry runs: everything up to the first byte, and nothing of it kept."""

from __future__ import annotations

from typing import Any

from gateway.domain.ids import IdKind, OperationId, new_id
from gateway.domain.secrets import MASK
from gateway.services import engine
from gateway.services.action import Action
from gateway.services.context import DryRun
from gateway.services.kinds import Already, AnyKind, Target, Work
from gateway.services.prepared import new_operation
from gateway.services.records import RehearsedError, roll_back


async def rehearse(action: Action, kind: AnyKind, request: Any) -> DryRun:  # noqa: ANN401
    """Return what *request* would do, after every check that the change itself would meet.

    The panel is asked where the change needs to know something of it, and told nothing.

    Raises:
        GatewayError: as the change itself.
    """
    found = await _prepare(action, kind, request)
    if found is None:
        return DryRun(before=None, after=None, panel_calls=())
    target, work = found
    desired = await kind.plan(work)
    call = action.ports.panels.preview(work.panel, kind.call(work, desired))
    return DryRun(before=_masked(target.before), after=_masked(target.after), panel_calls=(call,))


async def _prepare(
    action: Action,
    kind: AnyKind,
    request: Any,  # noqa: ANN401 - any kind's request
) -> tuple[Target[Any], Work[Any, Any]] | None:
    now = action.ports.clock.now()
    operation_id = OperationId(new_id(IdKind.OPERATION, now, action.ports.random.bytes))
    found: tuple[Target[Any], Work[Any, Any]] | None = None
    try:
        async with action.write() as store:
            target = await kind.prepare(action, store, request, operation_id)
            if not isinstance(target, Already):
                operation = new_operation(action, kind, target, operation_id, None)
                await store.holds.hold(operation)
                resource = await kind.load(store, operation)
                panel = await store.panels.get(target.panel_id)
                work = engine.work_of(action.ports, kind, operation, resource, panel)
                found = (target, work)
            roll_back()
    except RehearsedError:
        return found


def _masked(facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return facts with the digests of secrets replaced: they are for the audit log only."""
    if facts is None:
        return None
    return {name: MASK if name in {"password", "api_pass"} else it for name, it in facts.items()}
