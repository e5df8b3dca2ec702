"""What one GraphQL document may ask, and what it costs.

The limits are checked from the cheapest to the dearest, each before the work that it bounds: size
before parsing, shape (`shapes.py`) before validation, cost (`costs.py`) before execution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.domain.paging import LIMIT_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """How much one document may be. Each is the highest number that is still allowed.

    A fragment counts once for each place in which it is spread. `depth_max`: fields inside fields.
    `selections_max`: fields, spreads and inline fragments. `comparisons_max`: pairs of fields with
    one response name, which validation compares one by one. `input_depth_max`: of an argument and
    of a variable; `input_values_max`: of all variables together. The defaults let every usual
    client's introspection query pass.
    """

    bytes_max: int = 64 * 1024
    tokens_max: int = 2_000
    comments_max: int = 200
    definitions_max: int = 50
    variables_max: int = 50
    depth_max: int = 16
    selections_max: int = 1_000
    aliases_max: int = 30
    root_fields_max: int = 20
    directives_max: int = 50
    directives_each_max: int = 4
    comparisons_max: int = 3_000
    input_depth_max: int = 10
    input_values_max: int = 5_000
    page_size_max: int = LIMIT_MAX
    points_max: int = 10_000
    panel_calls_max: int = 50


@dataclass(frozen=True, slots=True)
class Cost:
    """What executing an operation may take: values to resolve, and calls of panels.

    Both are the most that it can be, so that it does not matter what happens to be cached.
    """

    points: int = 0
    panel_calls: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.points + other.points, self.panel_calls + other.panel_calls)

    def times(self, count: int) -> Cost:
        """Return the cost of doing it *count* times."""
        return Cost(self.points * count, self.panel_calls * count)

    def dearer(self, other: Cost) -> Cost:
        """Return the higher of each number: what either of the two costs at most."""
        return Cost(max(self.points, other.points), max(self.panel_calls, other.panel_calls))


def cost_extension(cost: Cost, limits: DocumentLimits) -> dict[str, Any]:
    """Return *cost* as the member of a response's `extensions`."""
    return {
        "cost": {
            "points": cost.points,
            "pointsMax": limits.points_max,
            "panelCalls": cost.panel_calls,
            "panelCallsMax": limits.panel_calls_max,
        }
    }
