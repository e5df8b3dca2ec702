"""Failures as data: one type for each error code, all of them a `Problem`.

What a rule or a panel refused is a member of the mutation's result. Only who is not known, and
faults on our side, are top-level errors; queries, whose fields have no union, use those as well.
Both carry the same codes as REST.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

import strawberry

from gateway.api.graphql.describe import about
from gateway.api.problems import FAULTS_MAX, RETRY_AFTER_SECONDS, error_classes, title_of
from gateway.domain.errors import (
    Fault,
    GatewayError,
    InternalError,
    ServiceUnavailable,
    Unauthenticated,
)

#: Never members of a result: nothing that the caller's code can decide by.
TOP_LEVEL: Final = (InternalError, ServiceUnavailable, Unauthenticated)


REPLAYED: Final = "Whether this is the answer to an earlier request with the same key."


@strawberry.type(description="One fault of what was sent.")
class FieldFault:
    """One fault."""

    pointer: str = about("Where, as a JSON pointer into the arguments: `/input/bouquetIds/0`.")
    code: str = about("Which, stable: `wrong_type`, `out_of_range`, …")
    detail: str = about("What is wrong, in words.")


@strawberry.interface(
    description="Why something was not done. The codes are those of the REST API; "
    "their table says what to do next."
)
class Problem:
    """Why something was not done."""

    code: str = about("Stable, in snake_case: decide by this.")
    title: str = about("The code in words.")
    detail: str = about("What happened, for people.")
    status: int = about("The HTTP status that REST answers with.")
    request_id: str = about("Finds the request in the gateway's log.")
    errors: list[FieldFault] = about("Every fault of what was sent; empty where it is not that.")
    operation_id: strawberry.ID | None = about("The operation, where one exists.")
    retry_after_seconds: int | None = about("When to try again, where that makes sense; seconds.")
    replayed: bool = about(REPLAYED)


def type_name(error: type[GatewayError]) -> str:
    """Return the name of the type for *error*: `username_taken` -> `UsernameTakenProblem`."""
    return "".join(word.capitalize() for word in error.code.split("_")) + "Problem"


def _type_of(error: type[GatewayError]) -> type[Problem]:
    made = type(type_name(error), (Problem,), {"__module__": __name__})
    told = " ".join(inspect.cleandoc(error.__doc__ or "").split())
    described: Any = strawberry.type(made, description=f"{told} To do: {error.todo}")
    return described  # type: ignore[no-any-return]  # Strawberry returns the class.


#: Error class -> its type; the classes that can be members of a result.
PROBLEMS: Final[Mapping[type[GatewayError], type[Problem]]] = {
    error: _type_of(error) for error in error_classes() if error not in TOP_LEVEL
}


def problem_of(error: GatewayError, request_id: str) -> Problem:
    """Return *error* as data.

    Raises:
        KeyError: it is one of TOP_LEVEL.
    """
    return PROBLEMS[type(error)](
        code=error.code,
        title=title_of(error.code),
        detail=error.detail,
        status=error.status,
        request_id=request_id,
        errors=[_fault_of(fault) for fault in error.faults[:FAULTS_MAX]],
        operation_id=None if error.operation_id is None else strawberry.ID(error.operation_id),
        retry_after_seconds=error.retry_after_seconds or RETRY_AFTER_SECONDS.get(error.code),
        replayed=error.replayed,
    )


def _fault_of(fault: Fault) -> FieldFault:
    return FieldFault(pointer=fault.pointer, code=fault.code, detail=fault.detail)
