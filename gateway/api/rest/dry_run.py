"""What is shown of a change that was only tried."""

from __future__ import annotations

from typing import Any, Final, Literal

from gateway.api.rest.shapes import Out
from gateway.services.context import DryRun

#: Nothing costs credits yet.
_CREDITS: Final = "0.00"


class PanelCallOut(Out, frozen=True, kw_only=True):
    """A request to a panel as it would be sent; secrets are `***`."""

    method: str
    path: str
    query: str
    form: dict[str, str]


class EffectOut(Out, frozen=True, kw_only=True):
    """The members that would change, as they are and as they would be. Null: nothing is there."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None


class DryRunOut(Out, frozen=True, kw_only=True):
    """What a change would do. Nothing was sent or stored."""

    dry_run: Literal[True] = True
    effect: EffectOut
    credits: str
    panel_calls: tuple[PanelCallOut, ...]


def dry_run_out(plan: DryRun) -> DryRunOut:
    """Return the public shape of *plan*."""
    return DryRunOut(
        effect=EffectOut(before=plan.before, after=plan.after),
        credits=_CREDITS,
        panel_calls=tuple(
            PanelCallOut(method=call.method, path=call.path, query=call.query, form=call.form)
            for call in plan.panel_calls
        ),
    )
