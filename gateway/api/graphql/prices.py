"""What each field of the schema costs, as its author declared it.

    @strawberry.field(metadata=priced(panel_calls=1))

Fields that say nothing cost one point. What a page of a connection holds is in no declaration: it
is read from the argument `first`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLAbstractType,
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_introspection_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.api.graphql.limits import Cost
from gateway.domain.paging import LIMIT_DEFAULT

#: The arguments that say how many entries a connection's page has.
PAGE_ARGUMENTS: Final = ("first", "last")
#: How many entries a list is taken to have that is no page and does not declare it.
ITEMS_DEFAULT: Final = 10
#: Reading the whole schema resolves some thousand values, whose number the document does not show.
SCHEMA_POINTS: Final = 2_000
TYPE_POINTS: Final = 100

_KEY: Final = "price"


@dataclass(frozen=True, slots=True)
class Price:
    """What resolving one field costs, without the fields below it."""

    cost: Cost
    items: int | None = None
    shared: bool = False


def priced(
    *,
    points: int = 1,
    panel_calls: int = 0,
    items: int | None = None,
    shared: bool = False,
) -> dict[str, Price]:
    """Return the `metadata` of a Strawberry field that declares what it costs.

    `panel_calls`: the most that resolving it once can take, reading back included. `items`: the
    most entries of a list that is no page of a connection. `shared`: fields of one object that say
    so are answered by the same calls, which are counted once.
    """
    return {_KEY: Price(Cost(points, panel_calls), items, shared)}


@dataclass(frozen=True, slots=True)
class PricedField:
    """One field of one type: what it costs, and what is below it.

    `page_default`: entries of its page where the document does not say, or None: it has no pages.
    """

    cost: Cost
    type: str
    composite: bool
    items: int | None
    listed: bool
    page_default: int | None
    shared: bool = False


class PriceTable:
    """The prices of all fields, read from the schema once."""

    def __init__(self, core: GraphQLSchema) -> None:
        self._core = core
        self._fields: dict[tuple[str, str], PricedField] = {}
        self._possible: dict[str, tuple[str, ...]] = {}
        for type_ in core.type_map.values():
            if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
                for name, field in type_.fields.items():
                    self._fields[type_.name, name] = _price(field, type_)
            if isinstance(type_, GraphQLObjectType):
                self._possible[type_.name] = (type_.name,)
            elif is_abstract_type(type_):
                self._possible[type_.name] = _names(core, type_)
        query = self.root("query")
        self._fields[query, "__schema"] = _flat(SCHEMA_POINTS, "__Schema")
        self._fields[query, "__type"] = _flat(TYPE_POINTS, "__Type")

    def root(self, operation: str) -> str:
        """Return the type of an operation's fields; *operation* is one that the schema has."""
        type_ = getattr(self._core, f"{operation}_type")
        name: str = type_.name
        return name

    def field(self, type_name: str, name: str) -> PricedField:
        """Return the price of a field; *type_name* is of an object, never abstract."""
        return _TYPENAME if name == "__typename" else self._fields[type_name, name]

    def possible(self, type_name: str) -> tuple[str, ...]:
        """Return the types of objects that *type_name* can be."""
        return self._possible[type_name]


def _names(schema: GraphQLSchema, type_: GraphQLAbstractType) -> tuple[str, ...]:
    return tuple(sorted(possible.name for possible in schema.get_possible_types(type_)))


def _price(field: GraphQLField, parent: GraphQLObjectType | GraphQLInterfaceType) -> PricedField:
    named = get_named_type(field.type)
    if is_introspection_type(parent):
        return _flat(1, named.name, composite=is_composite_type(named))
    declared = _declared(field)
    return PricedField(
        cost=declared.cost,
        type=named.name,
        composite=is_composite_type(named),
        items=declared.items,
        listed=isinstance(get_nullable_type(field.type), GraphQLList),
        page_default=_page_default(field),
        shared=declared.shared,
    )


def _declared(field: GraphQLField) -> Price:
    definition: Any = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    price = definition.metadata.get(_KEY) if definition is not None else None
    return price if isinstance(price, Price) else Price(Cost(points=1))


def _flat(points: int, type_name: str, *, composite: bool = True) -> PricedField:
    """Return the price of a field of the introspection: its lists are in the price of the root."""
    return PricedField(Cost(points), type_name, composite, 1, listed=False, page_default=None)


def _page_default(field: GraphQLField) -> int | None:
    for name in PAGE_ARGUMENTS:
        if name in field.args:
            return _default_of(field.args[name])
    return None


def _default_of(argument: GraphQLArgument) -> int:
    value = argument.default.value if argument.default else argument.default_value
    return value if isinstance(value, int) else LIMIT_DEFAULT


_TYPENAME: Final = PricedField(Cost(), "String", False, None, listed=False, page_default=None)
