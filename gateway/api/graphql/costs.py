"""The cost of an operation, counted from its document and variables before it is executed.

Fields are merged as execution merges them: by response name, for each type that an object can be;
of several possible types the dearest counts. The work is bounded by `WORK_MAX` steps, and recursion
by the limit on depth, which was checked before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from gateway.api.graphql.limits import Cost, DocumentLimits
from gateway.api.graphql.nodes import nodes_of
from gateway.api.graphql.prices import ITEMS_DEFAULT, PAGE_ARGUMENTS, PricedField, PriceTable
from gateway.api.graphql.refusals import Phase, Refusal, fault

#: Selections looked at for one operation, each once for each type that it may be of.
WORK_MAX: Final = 20_000

Variables = Mapping[str, object]
#: What a selection costs once, and what its lists cost once for each of their entries.
Bill = tuple[Cost, Cost]

_FREE: Final = Cost()
#: What the argument `if` of these directives must be for a selection to be left out.
_LEAVES_OUT: Final = {"skip": True, "include": False}


class CostRefused(Exception):
    """The cost cannot be counted: a page is too large, or it would take too long."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.faults[0].message)
        self.refusal = refusal


def cost_of(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
    table: PriceTable,
    limits: DocumentLimits,
) -> Cost:
    """Return what *operation* costs at most. The document is valid, *variables* are coerced.

    Raises:
        CostRefused: a page has less than one or more than `page_size_max` entries, or the
            fragments apply in too many ways.
    """
    counter = _Counter(document, variables, table, limits)
    sets = (operation.selection_set,)
    return _sum(counter.bill(table.root(operation.operation.value), sets), ITEMS_DEFAULT)


def root_fields_of(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
    table: PriceTable,
    limits: DocumentLimits,
) -> int:
    """Return how many fields of the root *operation* asks for; each alias is one."""
    counter = _Counter(document, variables, table, limits)
    root = table.root(operation.operation.value)
    return len(counter.collect(root, (operation.selection_set,)))


def variables_that_count(document: DocumentNode) -> tuple[str, ...]:
    """Return the variables that a cost may depend on: sizes of pages, and what is left out."""
    return tuple(
        sorted(
            {
                node.value.name.value
                for node, _ in nodes_of(document)
                if isinstance(node, ArgumentNode)
                and node.name.value in {*PAGE_ARGUMENTS, "if"}
                and isinstance(node.value, VariableNode)
            }
        )
    )


def _sum(bill: Bill, items: int) -> Cost:
    once, each = bill
    return once + each.times(items)


class _Counter:
    def __init__(
        self,
        document: DocumentNode,
        variables: Variables,
        table: PriceTable,
        limits: DocumentLimits,
    ) -> None:
        self.variables = variables
        self.table = table
        self.limits = limits
        self.fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self.known: dict[tuple[str, tuple[int, ...]], Bill] = {}
        self.work = 0

    def bill(self, type_name: str, sets: tuple[SelectionSetNode, ...]) -> Bill:
        """Return the bill of an object of *type_name*, or of the dearest that it can be."""
        once = each = _FREE
        for possible in self.table.possible(type_name):
            key = (possible, tuple(map(id, sets)))
            if key not in self.known:
                self.known[key] = self._bill_of_object(possible, sets)
            bill = self.known[key]
            once, each = once.dearer(bill[0]), each.dearer(bill[1])
        return once, each

    def _bill_of_object(self, type_name: str, sets: tuple[SelectionSetNode, ...]) -> Bill:
        once = each = shared = _FREE
        for nodes in self.collect(type_name, sets).values():
            field = self.table.field(type_name, nodes[0].name.value)
            if field.shared:
                once += Cost(points=field.cost.points)
                shared = shared.dearer(Cost(panel_calls=field.cost.panel_calls))
            else:
                once += field.cost
            if not field.composite:
                continue
            below = self.bill(field.type, tuple(n.selection_set for n in nodes if n.selection_set))
            if field.page_default is not None:
                once += self._of_page(field, nodes[0], below)
            elif not field.listed:
                once += _sum(below, ITEMS_DEFAULT)
            elif field.items is not None:
                once += _sum(below, ITEMS_DEFAULT).times(field.items)
            else:
                each += _sum(below, ITEMS_DEFAULT)
        return once + shared, each

    def _of_page(self, field: PricedField, node: FieldNode, below: Bill) -> Cost:
        """Return the cost of a connection, or of a list that takes the size of its page itself."""
        size = self._page_size(node, field.page_default or 0)
        return _sum(below, ITEMS_DEFAULT).times(size) if field.listed else _sum(below, size)

    def _page_size(self, node: FieldNode, default: int) -> int:
        sizes: list[int] = []
        for argument in node.arguments or ():
            if argument.name.value in PAGE_ARGUMENTS:
                size = self._value(argument.value)
                if isinstance(size, int):
                    sizes.append(size)
                    self._check_page(argument.name.value, argument.value, size)
        return max(sizes, default=default)

    def _check_page(self, name: str, node: ValueNode, size: int) -> None:
        most = self.limits.page_size_max
        if not 1 <= size <= most:
            message = f"'{name}' is {size:,}; a page has 1 to {most} entries. Ask page by page."
            phase = Phase.VARIABLES if isinstance(node, VariableNode) else Phase.VALIDATION
            raise CostRefused(Refusal(phase, (fault(message, node),)))

    def collect(
        self, type_name: str, sets: tuple[SelectionSetNode, ...]
    ) -> dict[str, list[FieldNode]]:
        """Return the fields that an object of *type_name* is asked for, by response name."""
        groups: dict[str, list[FieldNode]] = {}
        followed: set[str] = set()
        stack = list(sets[::-1])
        while stack:
            for selection in stack.pop().selections:
                self._work()
                if self._is_left_out(selection):
                    continue
                if isinstance(selection, FieldNode):
                    name = (selection.alias or selection.name).value
                    groups.setdefault(name, []).append(selection)
                elif inner := self._fragment(selection, type_name, followed):
                    stack.append(inner)
        return groups

    def _work(self) -> None:
        self.work += 1
        if self.work > WORK_MAX:
            message = (
                "The document's fragments apply to too many combinations of types. Select fewer "
                "fields of interfaces and unions inside each other."
            )
            raise CostRefused(Refusal(Phase.VALIDATION, (fault(message),)))

    def _fragment(
        self, selection: SelectionNode, type_name: str, followed: set[str]
    ) -> SelectionSetNode | None:
        """Return what a fragment selects if it applies to *type_name* and was not followed yet."""
        fragment: InlineFragmentNode | FragmentDefinitionNode
        if isinstance(selection, InlineFragmentNode):
            fragment = selection
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in followed:
            followed.add(selection.name.value)
            fragment = self.fragments[selection.name.value]
        else:
            return None
        condition = fragment.type_condition
        if condition and type_name not in self.table.possible(condition.name.value):
            return None
        return fragment.selection_set

    def _is_left_out(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            leaves_out = _LEAVES_OUT.get(directive.name.value)
            for condition in directive.arguments or ():
                if leaves_out is not None and self._value(condition.value) is leaves_out:
                    return True
        return False

    def _value(self, node: ValueNode) -> object:
        """Return the number or boolean that *node* stands for, None for anything else."""
        if isinstance(node, VariableNode):
            return self.variables.get(node.name.value)
        if isinstance(node, IntValueNode):
            return int(node.value)
        if isinstance(node, BooleanValueNode):
            return node.value
        return None
