"""Text and variables -> an operation that may be executed, or the reason why not.

Everything that a hostile document could make dear happens here, bounded, before the first resolver
runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
)

from gateway.api.graphql.cache import SizedCache
from gateway.api.graphql.checked import Checked, check, size_of_refusal
from gateway.api.graphql.costs import CostRefused, cost_of, root_fields_of
from gateway.api.graphql.limits import Cost, DocumentLimits
from gateway.api.graphql.prices import PriceTable
from gateway.api.graphql.refusals import ERRORS_MAX, Phase, Refusal, fault, refusal

#: What parsed documents may take in one process.
DOCUMENTS_BYTES_MAX: Final = 16 * 1024 * 1024
REFUSALS_BYTES_MAX: Final = 1024 * 1024
#: Characters of a text whose refusal is kept; longer ones are made to be different each time.
REFUSED_TEXT_MAX: Final = 2_048


@dataclass(frozen=True, slots=True)
class Prepared:
    """One operation that keeps to all limits.

    `document` is the same object for the same text while it is cached. `variables` are as they were
    sent, `coerced` as the schema understands them. Each of `root_fields` counts as one request.
    """

    text: str
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]
    coerced: dict[str, Any]
    cost: Cost
    root_fields: int

    @property
    def operation_type(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.operation.operation


class Preparer:
    """Prepares requests against one schema. Belongs to one thread, as an event loop does."""

    def __init__(
        self,
        schema: strawberry.Schema,
        limits: DocumentLimits,
        *,
        documents_bytes_max: int = DOCUMENTS_BYTES_MAX,
    ) -> None:
        self.limits = limits
        self._core: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry has no other way.
        self._prices = PriceTable(self._core)
        self._documents: SizedCache[tuple[str, bool], Checked] = SizedCache(documents_bytes_max)
        self._refusals: SizedCache[tuple[str, bool], Refusal] = SizedCache(REFUSALS_BYTES_MAX)

    def prepare(
        self,
        text: str,
        *,
        operation_name: str | None,
        variables: Mapping[str, object] | None,
        may_introspect: bool,
    ) -> Prepared:
        """Return the operation of *text* that *operation_name* names.

        Raises:
            DocumentRefused: it does not parse, is not valid, exceeds a limit, reads the schema
                without *may_introspect*, or the variables do not fit.
        """
        checked = self._check(text, may_introspect=may_introspect)
        if isinstance(checked, Refusal):
            checked.raise_it()
        operation = checked.operation(operation_name)
        if isinstance(operation, Refusal):
            operation.raise_it()
        too_much = _too_much(variables or {}, self.limits)
        if too_much:
            too_much.raise_it()
        sent = dict(variables or {})
        coerced = self._coerce(operation, sent, may_introspect=may_introspect)
        if isinstance(coerced, Refusal):
            coerced.raise_it()
        cost = self._cost(checked, operation, coerced)
        if isinstance(cost, Refusal):
            cost.raise_it()
        roots = self._root_fields(checked, operation, coerced)
        return Prepared(text, checked.document, operation, sent, coerced, cost, roots)

    def _check(self, text: str, *, may_introspect: bool) -> Checked | Refusal:
        key = (text, may_introspect)
        found = self._documents.get(key) or self._refusals.get(key)
        if found is not None:
            return found
        made = check(text, self._core, self.limits, may_introspect=may_introspect)
        if isinstance(made, Checked):
            self._documents.put(key, made, made.bytes)
        elif len(text) <= REFUSED_TEXT_MAX:
            self._refusals.put(key, made, size_of_refusal(text, made))
        return made

    def _coerce(
        self, operation: OperationDefinitionNode, sent: dict[str, Any], *, may_introspect: bool
    ) -> dict[str, Any] | Refusal:
        """Return the variables as the schema understands them."""
        if not operation.variable_definitions:
            return {}
        values = get_variable_values(
            self._core,
            operation.variable_definitions,
            sent,
            max_errors=ERRORS_MAX,
            hide_suggestions=not may_introspect,
        )
        if isinstance(values, list):
            return refusal(Phase.VARIABLES, values)
        return values.coerced

    def _root_fields(
        self, checked: Checked, operation: OperationDefinitionNode, variables: dict[str, Any]
    ) -> int:
        if len(operation.selection_set.selections) == 1 and isinstance(
            operation.selection_set.selections[0], FieldNode
        ):
            return 1
        document = checked.document
        return root_fields_of(document, operation, variables, self._prices, self.limits)

    def _cost(
        self, checked: Checked, operation: OperationDefinitionNode, variables: dict[str, Any]
    ) -> Cost | Refusal:
        """Return what the operation costs, counted once for each set of page sizes."""
        name = operation.name.value if operation.name else None
        key = (name, *(_plain(variables.get(counting)) for counting in checked.counting))
        cost = checked.costs.get(key)
        if cost is None:
            try:
                cost = cost_of(checked.document, operation, variables, self._prices, self.limits)
            except CostRefused as error:
                return error.refusal
            checked.keep_cost(key, cost)
        return _too_dear(cost, self.limits) or cost


def _plain(value: object) -> object:
    """Return what a cost can depend on; an argument that merely has the name of one does not."""
    return value if isinstance(value, bool | int) else None


def _too_much(variables: Mapping[str, object], limits: DocumentLimits) -> Refusal | None:
    """Return what is wrong with the size of *variables*. Nothing recurses, nothing is copied."""
    stack: list[tuple[object, int]] = [(variables, 0)]
    values = 0
    while stack:
        value, depth = stack.pop()
        if not isinstance(value, Mapping | list):
            continue
        values += len(value)
        message = ""
        if depth > limits.input_depth_max:
            message = f"The variables are nested deeper than {limits.input_depth_max} levels."
        elif values > limits.input_values_max:
            message = (
                f"The variables have {values:,} values or more; at most "
                f"{limits.input_values_max:,} are allowed."
            )
        if message:
            return Refusal(Phase.VARIABLES, (fault(message),))
        inner = value.values() if isinstance(value, Mapping) else value
        stack.extend((item, depth + 1) for item in inner)
    return None


def _too_dear(cost: Cost, limits: DocumentLimits) -> Refusal | None:
    faults = []
    if cost.points > limits.points_max:
        faults.append(
            fault(
                f"The operation costs {cost.points:,} points; at most {limits.points_max:,} are "
                "allowed. Ask for smaller pages or fewer fields."
            )
        )
    if cost.panel_calls > limits.panel_calls_max:
        faults.append(
            fault(
                f"The operation may call panels {cost.panel_calls:,} times; at most "
                f"{limits.panel_calls_max:,} are allowed. Ask for smaller pages, or send it in "
                "parts."
            )
        )
    return Refusal(Phase.VALIDATION, tuple(faults)) if faults else None
