"""Holds the text of a document against the schema, for who uploads it."""

from __future__ import annotations

from functools import cache

from gateway.api.graphql.checked import Checked, check
from gateway.api.graphql.limits import DocumentLimits
from gateway.api.graphql.schema import GatewaySchema, make_schema


@cache
def _schema() -> GatewaySchema:
    """Return the schema, made when it is first needed."""
    return make_schema()


def document_fault(text: str) -> str | None:
    """Return what is wrong with *text*, in one sentence; None: it can be executed."""
    core = _schema()._schema  # noqa: SLF001 - Strawberry has no other way.
    found = check(text, core, DocumentLimits(), may_introspect=True)
    if isinstance(found, Checked):
        return None
    return found.faults[0].message
