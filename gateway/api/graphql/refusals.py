"""Documents that are refused before anything runs.

Messages quote the document and the variables, which may hold secrets of the caller: they are for
the caller, not for logs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NoReturn

from graphql import GraphQLError, Node, SourceLocation

from gateway.domain.errors import InvalidRequest, PermissionDenied

INVALID: Final = InvalidRequest.code
DENIED: Final = PermissionDenied.code

#: How many errors one refusal lists; validation stops there.
ERRORS_MAX: Final = 20
#: Characters of one message. Validation quotes what was sent, however long it is.
MESSAGE_MAX: Final = 500
#: Places that one error points to.
LOCATIONS_MAX: Final = 5


class Phase(Enum):
    """What found the fault. In each of them nothing was executed."""

    PARSE = auto()
    VALIDATION = auto()
    VARIABLES = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """One error without its document, so that keeping it keeps nothing else."""

    message: str
    code: str = INVALID
    locations: tuple[SourceLocation, ...] = ()

    def to_error(self) -> GraphQLError:
        """Return a new error; a raised one collects frames and cannot be shared."""
        error = GraphQLError(self.message, extensions={"code": self.code})
        error.locations = list(self.locations) or None
        return error


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a document is refused."""

    phase: Phase
    faults: tuple[Fault, ...]

    def raise_it(self) -> NoReturn:
        """Raise this as an error.

        Raises:
            DocumentRefused: always.
        """
        raise DocumentRefused(self.phase, tuple(fault.to_error() for fault in self.faults))


class DocumentRefused(Exception):
    """A request error: the operation was not executed, and the response has no `data`.

    Each error carries `extensions.code`, `invalid_request` or `permission_denied`.
    """

    def __init__(self, phase: Phase, errors: tuple[GraphQLError, ...]) -> None:
        super().__init__(errors[0].message)
        self.phase = phase
        self.errors = errors


def fault(message: str, *nodes: Node, code: str = INVALID) -> Fault:
    """Return a fault that points to *nodes*."""
    return fault_of(GraphQLError(message, list(nodes)), code)


def fault_of(error: GraphQLError, code: str = INVALID) -> Fault:
    """Return *error* shortened, and without the halves of surrogate pairs, which no JSON has."""
    text = error.message
    if len(text) > MESSAGE_MAX:
        text = text[: MESSAGE_MAX - 1] + "…"
    text = text.encode(errors="replace").decode()
    return Fault(text, code, tuple(error.locations or ())[:LOCATIONS_MAX])


def refusal(phase: Phase, errors: Iterable[GraphQLError]) -> Refusal:
    """Return what graphql-core found, in our words."""
    return Refusal(phase, tuple(fault_of(error) for error in errors)[: ERRORS_MAX + 1])
