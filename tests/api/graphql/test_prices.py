"""What a field costs is declared where the field is."""

from __future__ import annotations

import pytest
import strawberry

from gateway.api.graphql.limits import Cost, DocumentLimits
from gateway.api.graphql.prepare import Preparer
from tests.api.graphql.shop import costly, prepare


@strawberry.interface
class Watched:
    @costly(panel_calls=3)
    def seen(self) -> int:
        return 0


@strawberry.type
class Screen(Watched):
    size_in_inches: int = 0


@strawberry.type
class Query:
    @costly(points=7)
    def screen(self) -> Screen:
        return Screen()

    @costly(items=2)
    def watched(self) -> list[Watched]:
        return []

    sizes: list[int] = strawberry.field(default_factory=list)


PREPARER = Preparer(strawberry.Schema(query=Query, types=[Screen]), DocumentLimits())


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{screen{sizeInInches}}", Cost(8, 0)),
        ("{screen{seen}}", Cost(8, 3)),
        ("{watched{seen}}", Cost(3, 6)),
        ("{watched{...on Screen{sizeInInches seen}}}", Cost(5, 6)),
        ("{sizes}", Cost(1, 0)),
    ],
    ids=[
        "its own price",
        "inherited",
        "through the interface",
        "in a fragment",
        "a list of numbers",
    ],
)
def test_a_price_is_that_of_the_field_or_of_the_interface_it_comes_from(
    text: str, cost: Cost
) -> None:
    assert prepare(text, PREPARER).cost == cost
