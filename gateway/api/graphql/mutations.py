"""All changes, in one table: which of REST's routes each is, what it takes, and what it shows.

A mutation is a route in another spelling. Its input becomes the route's body, the route's endpoint
runs, and its answer, or what refused it, is a member of the mutation's union. So permission, scope,
policy, idempotency and audit are where they are for REST, and no mutation can leave one out.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated, Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import argument
from gateway.api.graphql.names import in_arguments, to_body
from gateway.api.graphql.prices import priced
from gateway.api.graphql.problems import TOP_LEVEL, problem_of
from gateway.api.graphql.results import DryRun, OperationAccepted, result_union, success_type
from gateway.api.rest.binding import target_of
from gateway.api.rest.dry_run import dry_run_out
from gateway.api.rest.faults import invalid
from gateway.api.rest.operations import operation_out
from gateway.api.rest.routing import Endpoint, Observed, Route
from gateway.domain.errors import Fault, GatewayError, InvalidRequest, NotFound
from gateway.domain.ids import is_id
from gateway.services.context import Context, Outcome

KEY: Final = (
    "1-255 printable ASCII characters: the same request with the same key is done once. "
    "Kept for at least 72 hours."
)
VERSION: Final = "Only if its `version` is still this one; else VersionMismatchProblem."
DRY_RUN: Final = "Only tell what would happen; nothing is sent or stored."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One mutation.

    `noun`: the field of the success that has what the route answers; `shown` is its type. `secret`:
    the member of the answer that is shown this once, and its field's name. `endpoint`: answers
    more than the route does, which has no body to show it in.
    """

    name: str
    route: Route
    takes: type
    noun: str
    shown: type
    secret: tuple[str, str] | None = None
    endpoint: Endpoint | None = None
    panel_calls: int = 0


def field_of(mutation: Mutation) -> StrawberryField:
    """Return the field of a mutation."""
    success = success_of(mutation)

    async def resolve(
        info: Info,
        input: object,
        idempotency_key: str | None = None,
        if_version: int | None = None,
        dry_run: bool | None = None,  # noqa: FBT001 - an argument of the contract
    ) -> object:
        call = info.context
        call.forget_reads()
        try:
            _check(mutation.route, if_version=if_version, dry_run=bool(dry_run))
            body = to_body(input)
            context = call.changing(
                mutation.name,
                body,
                idempotency_key=idempotency_key,
                if_version=if_version,
                dry_run=bool(dry_run),
            )
            await _charge_target(mutation.route, context, body)
            answer = await _ask(mutation, context, dict(body))
        except GatewayError as error:
            return _refused(error, call.asked.request_id)
        finally:
            call.forget_reads()
        return _shown(mutation, success, answer)

    resolve.__name__ = mutation.name
    resolve.__annotations__ = {
        "info": Info,
        "input": Annotated[mutation.takes, argument("What to do.")],
        "idempotency_key": Annotated[str | None, argument(KEY)],
        "if_version": Annotated[int | None, argument(VERSION)],
        "dry_run": Annotated[bool | None, argument(DRY_RUN)],
        "return": result_union(mutation.name, success, mutation.route),
    }
    made: Any = strawberry.field(
        resolver=resolve,
        name=mutation.name,
        description=inspect.getdoc(mutation.route.endpoint),
        metadata=priced(panel_calls=mutation.panel_calls),
    )
    return made  # type: ignore[no-any-return]  # Untyped in Strawberry.


def success_of(mutation: Mutation) -> type:
    """Return the type of a mutation's success."""
    return success_type(
        mutation.name,
        mutation.noun,
        mutation.shown,
        secret=None if mutation.secret is None else mutation.secret[1],
        may_create=mutation.route.may_create,
    )


def _check(route: Route, *, if_version: int | None, dry_run: bool) -> None:
    """Refuse what the route cannot do, rather than do without it.

    Raises:
        InvalidRequest
    """
    faults = []
    if if_version is not None and not route.is_versioned:
        faults.append(Fault("/ifVersion", "not_allowed", "This has no version to hold on to."))
    if dry_run and not route.takes_dry_run:
        faults.append(Fault("/dryRun", "not_allowed", "This changes nothing: just do it."))
    if faults:
        raise invalid(faults)


async def _charge_target(route: Route, context: Context, body: dict[str, Any]) -> None:
    """Count a write to the line or device that the input names.

    Raises:
        RateLimited
    """
    values = {name: body[name] for name in route.texts}
    for name in route.ids:
        values[name] = body["id"]
    target = target_of(route, values)
    if target is not None:
        await context.ports.rates.charge_target(context.caller, target)


async def _ask(mutation: Mutation, context: Context, body: dict[str, Any]) -> Any:  # noqa: ANN401
    """Call the route's endpoint with what it takes, out of the input."""
    route = mutation.route
    arguments: dict[str, Any] = {}
    for name, kind in route.ids.items():
        arguments[name] = body.pop("id")
        if not is_id(kind, arguments[name]):
            raise NotFound("There is no such resource.")
    try:
        if route.takes_query:
            arguments["query"] = route.query.of(_query_pairs(route, body))
        if route.takes_body and route.body is not None:
            arguments["body"] = route.body.read(body)
        for name in route.texts:
            arguments[name] = body[name]  # Its form was checked with the body.
        return await (mutation.endpoint or route.endpoint)(context, **arguments)
    except InvalidRequest as error:
        raise in_arguments(error, "/input") from None


def _query_pairs(route: Route, body: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Take out of *body* what REST has in the query; what is in both stays in the body."""
    members = set() if route.body is None else set(route.body.model_fields)
    names = set(route.query.model_fields) - members
    taken = {name: body.pop(name) for name in names if name in body}
    return tuple((name, str(value)) for name, value in taken.items() if value is not None)


def _refused(error: GatewayError, request_id: str) -> object:
    """Return *error* as data, unless it is one for the top level."""
    if isinstance(error, TOP_LEVEL):
        raise error
    return problem_of(error, request_id)


def _shown(mutation: Mutation, success: type, answer: object) -> object:
    """Return what the endpoint answered as a member of the union."""
    if isinstance(answer, Observed):
        answer = answer.value
    if not isinstance(answer, Outcome):
        return success(**{mutation.noun: answer}, operation=None, replayed=False)
    if answer.dry_run is not None:
        return DryRun.of(dry_run_out(answer.dry_run))
    operation: Any = None if answer.operation is None else operation_out(answer.operation)
    if answer.value is None:
        return OperationAccepted(operation=operation, replayed=answer.replayed)
    # An operation that is itself the resource is the one to show.
    fields: dict[str, Any] = {"operation": operation, mutation.noun: answer.value}
    if mutation.secret is not None:
        member, name = mutation.secret
        fields[name] = getattr(answer.value, member)
    if mutation.route.may_create:
        fields["created"] = answer.created
    return success(**fields, replayed=answer.replayed)
