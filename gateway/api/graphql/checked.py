"""A text that was parsed, measured and validated: all that does not depend on variables."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
)

from gateway.api.graphql.costs import variables_that_count
from gateway.api.graphql.limits import Cost, DocumentLimits
from gateway.api.graphql.refusals import Phase, Refusal, fault, refusal
from gateway.api.graphql.rules import errors_of
from gateway.api.graphql.shapes import faults_of_shape

#: What a token of a parsed document takes, with its share of the nodes; measured, rounded up.
TOKEN_BYTES: Final = 500
FAULT_BYTES: Final = 700
#: What the costs of one document take, and everything else around it.
ENTRY_BYTES: Final = 8_000
#: How many costs are kept for one document: one for each size of page that is asked for.
COSTS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid document. `costs` are those of its operations for variables that were met."""

    document: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    counting: tuple[str, ...]
    bytes: int
    costs: dict[tuple[object, ...], Cost] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode | Refusal:
        """Return the operation called *name*, or the only one."""
        if name is not None and name in self.operations:
            return self.operations[name]
        if name is not None:
            message = f"The document has no operation named '{name[:100]}'."
        elif len(self.operations) == 1:
            return next(iter(self.operations.values()))
        else:
            message = f"The document has {len(self.operations)} operations; name the one to run."
        return Refusal(Phase.VALIDATION, (fault(message),))

    def keep_cost(self, key: tuple[object, ...], cost: Cost) -> None:
        """Keep *cost* for the next request with the same page sizes."""
        if len(self.costs) >= COSTS_MAX:
            self.costs.clear()
        self.costs[key] = cost


def check(
    text: str, schema: GraphQLSchema, limits: DocumentLimits, *, may_introspect: bool
) -> Checked | Refusal:
    """Return *text* as a valid document, or why it is refused. The cheapest check comes first."""
    size = _size(text, limits.bytes_max)
    if size > limits.bytes_max:
        message = (
            f"The document has {size:,} bytes or more; at most {limits.bytes_max:,} are allowed."
        )
        return Refusal(Phase.PARSE, (fault(message),))
    try:
        document = parse(
            text, max_lexical_tokens=limits.tokens_max, max_comments=limits.comments_max
        )
    except GraphQLError as error:
        return refusal(Phase.PARSE, [error])
    faults = faults_of_shape(document, limits, may_introspect=may_introspect)
    if faults:
        return Refusal(Phase.VALIDATION, faults)
    errors = errors_of(schema, document, may_introspect=may_introspect)
    return refusal(Phase.VALIDATION, errors) if errors else _checked(document, text)


def size_of_refusal(text: str, refused: Refusal) -> int:
    """Return what keeping a refusal of *text* takes, in bytes."""
    messages = sum(sys.getsizeof(fault.message) + FAULT_BYTES for fault in refused.faults)
    return sys.getsizeof(text) + messages


def _size(text: str, enough: int) -> int:
    """Return the length in UTF-8, or *enough* and more without a copy of a text that is so long.

    Halves of surrogate pairs are left for the parser to refuse.
    """
    return max(len(text), len(text[: enough + 1].encode(errors="surrogatepass")))


def _checked(document: DocumentNode, text: str) -> Checked:
    operations = {
        node.name.value if node.name else None: node
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    }
    return Checked(
        document=document,
        operations=operations,
        counting=variables_that_count(document),
        bytes=_bytes_of(document, text),
    )


def _bytes_of(document: DocumentNode, text: str) -> int:
    """Return about what keeping *document* takes: its text, again in strings, and its tokens."""
    tokens = 0
    token = document.loc.start_token if document.loc else None
    while token:
        tokens += 1
        token = token.next
    return ENTRY_BYTES + 2 * sys.getsizeof(text) + TOKEN_BYTES * tokens
