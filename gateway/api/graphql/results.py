"""What a mutation answers: a success, an operation under way, a dry run, or a problem."""

from __future__ import annotations

from typing import Annotated, Any, Final, Union

import strawberry

from gateway.api.graphql.describe import about
from gateway.api.graphql.operations import Operation
from gateway.api.graphql.problems import PROBLEMS, REPLAYED, TOP_LEVEL
from gateway.api.graphql.scalars import JsonObject
from gateway.api.rest.binding import may_be_bounded
from gateway.api.rest.dry_run import DryRunOut
from gateway.api.rest.routing import Route
from gateway.domain.errors import (
    GatewayError,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    VersionMismatch,
)

#: What every change may run into, whatever it is.
COMMON: Final[tuple[type[GatewayError], ...]] = (
    InvalidRequest,
    PermissionDenied,
    IdempotencyInProgress,
    IdempotencyKeyReused,
)


@strawberry.type(
    description="The change is under way: its outcome is not known yet. Follow the operation."
)
class OperationAccepted:
    """The change is under way."""

    # Nullable as in a success, so that a document may ask both for `operation`.
    operation: Operation | None = about("The operation to follow; never null here.")
    replayed: bool = about(REPLAYED)


@strawberry.type(description="A request to a panel as it would be sent; secrets are `***`.")
class PanelCall:
    """A request to a panel."""

    method: str = about("The HTTP method.")
    path: str = about("The path on the panel.")
    query: str = about("The query string.")
    form: JsonObject = about("The form's fields.")


@strawberry.type(description="The members that would change. Null: nothing is there.")
class Effect:
    """The members that would change."""

    before: JsonObject | None = about("As they are.")
    after: JsonObject | None = about("As they would be.")


@strawberry.type(description="What the change would do. Nothing was sent or stored.")
class DryRun:
    """What the change would do."""

    dry_run: bool = about("Always true.")
    effect: Effect = about("What would change here.")
    credits: str = about("What it would cost, with two decimals.")
    panel_calls: list[PanelCall] = about("What the panel would be sent.")

    @classmethod
    def of(cls, shown: DryRunOut) -> DryRun:
        """Return what REST shows."""
        return cls(
            dry_run=True,
            effect=shown.effect,  # type: ignore[arg-type]  # Shown as it.
            credits=shown.credits,
            panel_calls=list(shown.panel_calls),  # type: ignore[arg-type]  # As above.
        )


def success_type(
    mutation: str, noun: str, shown: type, *, secret: str | None, may_create: bool
) -> type:
    """Return the success of a mutation: `createLine` -> `CreateLineSuccess`.

    `secret`: the field of what is shown this once. `may_create`: it tells whether it created.
    """
    fields: dict[str, tuple[Any, str]] = {noun: (shown, "As it is now.")}
    if secret is not None:
        told = "Shown this once; null where it was not changed."
        fields[secret] = (str | None, told)
    if may_create:
        fields["created"] = (bool, "Whether it was not there before.")
    fields["operation"] = (
        Operation | None,
        "The operation behind it; null where no panel was asked.",
    )
    fields["replayed"] = (bool, REPLAYED)
    made = type(
        mutation[0].upper() + mutation[1:] + "Success",
        (),
        {
            "__annotations__": {name: hint for name, (hint, _) in fields.items()},
            "__module__": __name__,
            **{name: about(told) for name, (_, told) in fields.items()},
        },
    )
    described: Any = strawberry.type(made, description=f"What came of `{mutation}`: it is done.")
    return described  # type: ignore[no-any-return]  # Strawberry returns the class.


def errors_of(route: Route) -> tuple[type[GatewayError], ...]:
    """Return what can refuse a route's change, without what is told at the top level."""
    errors = [*COMMON, *route.raises]
    if route.is_versioned:
        errors.append(VersionMismatch)
    if route.ids or route.texts:
        errors.append(NotFound)
    if may_be_bounded(route):
        errors.append(RateLimited)
    return tuple(sorted({*errors} - {*TOP_LEVEL}, key=lambda error: error.code))


def result_union(mutation: str, success: type, route: Route) -> Any:  # noqa: ANN401 - a union
    """Return the union of a mutation's answers: `createLine` -> `CreateLineResult`."""
    problems = [PROBLEMS[error] for error in errors_of(route)]
    members = (success, OperationAccepted, DryRun, *problems)
    name = mutation[0].upper() + mutation[1:] + "Result"
    return Annotated[
        Union[members],  # noqa: UP007 - made of a tuple
        strawberry.union(name, description=f"What came of `{mutation}`."),
    ]
