"""Every node of a document, without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    ListValueNode,
    Node,
    ObjectValueNode,
    SelectionNode,
    SelectionSetNode,
)


def nodes_of(root: Node) -> Iterator[tuple[Node, int]]:
    """Yield *root* and all below it, each with the number of lists and objects it is inside of.

    A list or an object counts itself.
    """
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, ListValueNode | ObjectValueNode):
            depth += 1
        yield node, depth
        stack.extend((child, depth) for child in _children(node))


def below(selection: SelectionNode) -> SelectionSetNode | None:
    """Return what a field or an inline fragment selects; None for a leaf and for a spread."""
    inner: SelectionSetNode | None = getattr(selection, "selection_set", None)
    return inner


def _children(node: Node) -> Iterator[Node]:
    for key in node.keys:
        value = getattr(node, key)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))
