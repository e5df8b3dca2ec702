"""Errors as they are kept with an operation, and back."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain import errors
from gateway.domain.errors import GatewayError, InternalError
from gateway.domain.operations import Problem


def problem_of(error: GatewayError) -> Problem:
    """Return what an operation keeps of *error*."""
    return Problem(
        code=error.code,
        status=error.status,
        detail=error.detail,
        faults=error.faults,
        retry_after_seconds=error.retry_after_seconds,
    )


def error_of(problem: Problem, operation_id: str) -> GatewayError:
    """Return the error that an operation kept, to be raised again."""
    # Only those of `domain.errors`: OAuth's have codes of their own, and are never kept.
    known = {
        cls.code: cls
        for cls in _classes(GatewayError)
        if cls.__module__ == errors.__name__ and not cls.__subclasses__()
    }
    return known.get(problem.code, InternalError)(
        problem.detail,
        faults=problem.faults,
        operation_id=operation_id,
        retry_after_seconds=problem.retry_after_seconds,
    )


def _classes(base: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield base
    for child in base.__subclasses__():
        yield from _classes(child)
