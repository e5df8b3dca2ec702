"""The shape of a document, measured without a schema before validation.

Validation compares fields in pairs and follows fragments again and again, so what is measured here
bounds what it can cost. This is a walk and no set of validation rules: rules are driven through
one visitor with a stack of types, which takes ten times as long, and they run side by side, so that
none of them can be first. Nothing recurses, and no work exceeds the limits that are checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
)

from gateway.api.graphql.limits import DocumentLimits
from gateway.api.graphql.nodes import below, nodes_of
from gateway.api.graphql.refusals import DENIED, Fault, fault
from gateway.api.rest.json_body import NUMBER_LENGTH_MAX
from gateway.domain.caller import Permission

INTROSPECTION = frozenset({"__schema", "__type"})
Fragments = dict[str, FragmentDefinitionNode]


def faults_of_shape(
    document: DocumentNode, limits: DocumentLimits, *, may_introspect: bool
) -> tuple[Fault, ...]:
    """Return what is too much in *document*; a part is measured only if the one before passes."""
    faults = (*_of_nodes(document, limits, may_introspect=may_introspect),)
    if faults:
        return faults
    fragments, faults = _fragments(document)
    if faults:
        return faults
    sizes, faults = _sizes(fragments)
    if faults:
        return faults
    return (*_of_fields(document, fragments, sizes, limits),)


def too_many(what: str, found: int, most: int) -> str:
    """Return the sentence for a count over its limit."""
    return f"The document has {found:,} {what}; at most {most:,} are allowed."


# --- each node once, as it is written -----------------------------------------------------------


def _of_nodes(
    document: DocumentNode, limits: DocumentLimits, *, may_introspect: bool
) -> Iterator[Fault]:
    """Yield what the nodes show: counts of definitions, variables and directives, deep values."""
    kinds: Counter[type[Node]] = Counter()
    for node, depth in nodes_of(document):
        kinds[type(node)] += 1
        wrong = _of_node(node, depth, limits, may_introspect=may_introspect)
        if wrong:
            yield wrong
            return
    for what, found, most in (
        ("operations and fragments", len(document.definitions), limits.definitions_max),
        ("directives", kinds[DirectiveNode], limits.directives_max),
        ("variables", kinds[VariableDefinitionNode], limits.variables_max),
    ):
        if found > most:
            yield fault(too_many(what, found, most))


def _of_node(
    node: Node, depth: int, limits: DocumentLimits, *, may_introspect: bool
) -> Fault | None:
    directives = len(getattr(node, "directives", None) or ())
    if directives > limits.directives_each_max:
        most = limits.directives_each_max
        message = f"One place has {directives:,} directives; at most {most} are allowed."
    elif depth > limits.input_depth_max:
        message = f"An argument is nested deeper than {limits.input_depth_max} levels."
    elif isinstance(node, IntValueNode | FloatValueNode) and len(node.value) > NUMBER_LENGTH_MAX:
        message = f"A number has {len(node.value):,} digits; at most {NUMBER_LENGTH_MAX}."
    elif isinstance(node, FieldNode) and node.name.value in INTROSPECTION and not may_introspect:
        message = f"Reading the schema needs the permission {Permission.GRAPHQL_INTROSPECT}."
        return fault(message, node, code=DENIED)
    else:
        return None
    return fault(message, node)


# --- fragments: no name twice, no circle, and how much each of them spreads to --------------------


def _fragments(document: DocumentNode) -> tuple[Fragments, tuple[Fault, ...]]:
    """Return the fragments by name. Validation would follow one of two, and we the other."""
    fragments: Fragments = {}
    for node in document.definitions:
        if isinstance(node, FragmentDefinitionNode):
            if node.name.value in fragments:
                message = f"There can be only one fragment named '{node.name.value}'."
                return {}, (fault(message, fragments[node.name.value], node),)
            fragments[node.name.value] = node
    return fragments, ()


def _sizes(fragments: Fragments) -> tuple[dict[str, int], tuple[Fault, ...]]:
    """Return how many selections each fragment stands for: its own, and those it spreads.

    A fragment that doubles itself through others is only added up here, never followed.
    """
    spreads = {name: _spreads_within(node.selection_set) for name, node in fragments.items()}
    sizes: dict[str, int] = {}
    for root in fragments:
        path: dict[str, None] = {}
        stack = [root]
        while stack:
            name = stack[-1]
            if name in sizes:
                stack.pop()
                continue
            own, spread = spreads[name]
            missing = [other for other in spread if other in fragments and other not in sizes]
            if not missing:
                sizes[name] = own + sum(sizes.get(other, 0) * n for other, n in spread.items())
                path.pop(name, None)
                stack.pop()
                continue
            path[name] = None
            if missing[0] in path:
                message = f"The fragment '{missing[0]}' spreads itself, which has no end."
                return {}, (fault(message, fragments[missing[0]]),)
            stack.append(missing[0])
    return sizes, ()


def _spreads_within(selection_set: SelectionSetNode) -> tuple[int, Counter[str]]:
    """Return how many selections there are, at any depth, and how often each fragment is spread."""
    own = 0
    spread: Counter[str] = Counter()
    stack = [selection_set]
    while stack:
        for selection in stack.pop().selections:
            own += 1
            if isinstance(selection, FragmentSpreadNode):
                spread[selection.name.value] += 1
            elif inner := below(selection):
                stack.append(inner)
    return own, spread


# --- fields with their fragments put in ----------------------------------------------------------


def _of_fields(
    document: DocumentNode, fragments: Fragments, sizes: dict[str, int], limits: DocumentLimits
) -> Iterator[Fault]:
    """Yield what the operations' fields show.

    Fragments that no operation spreads are only counted: validation refuses them before it compares
    fields.
    """
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    selections = 0
    for node in operations:
        own, spread = _spreads_within(node.selection_set)
        selections += own + sum(sizes.get(name, 0) * n for name, n in spread.items())
    selections = max(selections, *sizes.values(), 0)
    if selections > limits.selections_max:
        yield fault(too_many("selections", selections, limits.selections_max))
        return
    seen = [_Fields(node, fragments) for node in operations]
    for fields in seen:
        yield from fields.faults(limits)
    aliases = sum(fields.aliases for fields in seen)
    if aliases > limits.aliases_max:
        yield fault(too_many("aliases", aliases, limits.aliases_max))
    comparisons = sum(fields.comparisons for fields in seen)
    if comparisons > limits.comparisons_max:
        message = (
            f"The document selects fields of one name again and again: {comparisons:,} pairs of "
            f"them must be compared; at most {limits.comparisons_max:,} are allowed. "
            "Select each field once."
        )
        yield fault(message)


class _Fields:
    """The fields of one operation, merged by response name as execution merges them."""

    def __init__(self, operation: OperationDefinitionNode, fragments: Fragments) -> None:
        self.operation = operation
        self.fragments = fragments
        self.depth = self.aliases = self.comparisons = self.root_fields = 0
        level = [[operation.selection_set]]
        while level:
            groups = [group for sets in level for group in self._groups(sets)]
            self.depth += bool(groups)
            if self.depth == 1 and not self.root_fields:
                self.root_fields = len(groups)
            level = [inner for group in groups if (inner := self._count(group))]

    def _groups(self, sets: list[SelectionSetNode]) -> Iterator[list[FieldNode]]:
        """Return the fields of *sets* by response name, fragments followed."""
        groups: dict[str, list[FieldNode]] = {}
        followed: set[str] = set()
        stack = sets[::-1]
        while stack:
            for selection in stack.pop().selections:
                if isinstance(selection, FieldNode):
                    name = (selection.alias or selection.name).value
                    groups.setdefault(name, []).append(selection)
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    if name in self.fragments and name not in followed:
                        followed.add(name)
                        stack.append(self.fragments[name].selection_set)
                elif inner := below(selection):
                    stack.append(inner)
        return iter(groups.values())

    def _count(self, group: list[FieldNode]) -> list[SelectionSetNode]:
        """Count one response name; return the selections below it."""
        self.aliases += sum(field.alias is not None for field in group)
        self.comparisons += len(group) * (len(group) - 1) // 2
        return [field.selection_set for field in group if field.selection_set]

    def faults(self, limits: DocumentLimits) -> Iterator[Fault]:
        if self.depth > limits.depth_max:
            message = (
                f"Fields are nested {self.depth:,} deep; at most {limits.depth_max} is allowed."
            )
            yield fault(message, self.operation)
        if self.root_fields > limits.root_fields_max:
            message = too_many("fields at its root", self.root_fields, limits.root_fields_max)
            yield fault(message, self.operation)
