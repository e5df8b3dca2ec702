"""What was found of a goal, and the document that holds all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One figure of a goal: ours beside the floor.

    `judged` names what the goal bounds: `ratio` (ours / floor), `added` (ours - floor) or `ours`.
    Without a `goal` the part is told but not judged. `more`: further figures, by name and unit.
    """

    name: str
    unit: str
    ours: float
    floor: float
    ratio: float
    judged: Literal["ratio", "added", "ours"]
    added: float | None = None
    goal: float | None = None
    bound: Literal["at least", "at most"] = "at least"
    more: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def value(self) -> float:
        """Return the figure that the goal bounds."""
        if self.judged == "ratio":
            return self.ratio
        if self.judged == "ours":
            return self.ours
        return self.ours - self.floor if self.added is None else self.added

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is met; None: there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.bound == "at least" else self.value <= self.goal

    def as_dict(self) -> dict[str, Any]:
        """Return the part as it stands in the JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": _rounded(self.ours),
            "floor": _rounded(self.floor),
            "ratio": _rounded(self.ratio),
            "judged": self.judged,
            "value": _rounded(self.value),
            "bound": self.bound,
            "goal": self.goal,
            "met": self.met,
            "more": {name: _rounded(value) for name, value in self.more.items()},
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was found of one goal. The first part stands for the whole in the table's first row.

    `missing`: what of the goal is not measured yet, in words; such a goal is never met.
    """

    sentence: str
    parts: tuple[Part, ...] = ()
    missing: str = ""

    @property
    def met(self) -> bool | None:
        """Tell whether all judged parts are met; None: not all of the goal was measured."""
        verdicts = [part.met for part in self.parts if part.met is not None]
        if not all(verdicts):
            return False
        return None if self.missing or not verdicts else True

    def as_dict(self) -> dict[str, Any]:
        """Return the goal as it stands in the JSON: its first part, the verdict, and all parts."""
        parts = [part.as_dict() for part in self.parts]
        names = ("ours", "floor", "ratio", "goal", "bound", "judged", "value", "unit")
        head = {name: parts[0][name] if parts else None for name in names}
        return {
            "sentence": self.sentence,
            **head,
            "met": self.met,
            "missing": self.missing,
            "parts": parts,
        }


def _rounded(value: float) -> float:
    """Return a figure without digits that no measurement carries."""
    return float(f"{value:.5g}")
