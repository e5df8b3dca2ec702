"""Rules: what an event of a billing system means for a line or a device. Declarative, and pure.

The first rule that fits decides. A rule names the event types it is for, conditions on the payload,
an action, and the paths at which the payload has what the action needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from gateway.domain.errors import Fault
from gateway.domain.json_paths import LENGTH_MAX, PATH, value_at
from gateway.domain.periods import Period

RULES_MAX: Final = 50
_EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
_REFERENCE_LENGTH_MAX: Final = 128
#: The last second that every part of the gateway can hold.
_UNIX_MAX: Final = 253_402_300_799
#: Where a fault is, as msgspec tells it: `$[0].types[1]`.
_PLACE: Final = re.compile(r" - at `(?:key in )?\$(.*)`$")

Path = Annotated[str, msgspec.Meta(max_length=LENGTH_MAX, pattern=PATH)]
Paths = Annotated[tuple[Path, ...], msgspec.Meta(min_length=1, max_length=10)]
Scalar = str | int | bool
EventType = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class RuleAction(StrEnum):
    """What a rule does. `create` renews where the line is there already."""

    NONE = "none"
    CREATE = "create"
    RENEW = "renew"
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"


class ResourceKind(StrEnum):
    """What a rule is about."""

    LINE = "line"
    DEVICE = "device"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what rules are made of."""


class Condition(_Part, frozen=True, kw_only=True, rename={"one_of": "in"}):
    """Holds if the value at `path` equals a value, is one of several, or is there at all."""

    path: Path
    equals: Scalar | UnsetType = UNSET
    one_of: Annotated[tuple[Scalar, ...], msgspec.Meta(min_length=1, max_length=50)] | UnsetType = (
        UNSET
    )
    exists: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse none and several. Raises ValueError."""
        if [self.equals, self.one_of, self.exists].count(UNSET) != 2:
            raise ValueError("give exactly one of equals, in and exists")

    def holds(self, payload: object) -> bool:
        """Tell whether it holds; numbers, texts and switches never equal each other."""
        value = value_at(payload, self.path)
        if self.exists is not UNSET:
            return (value is not None) is self.exists
        wanted = (self.equals,) if self.one_of is UNSET else self.one_of
        return any(type(value) is type(each) and value == each for each in wanted)


class Creation(_Part, frozen=True, kw_only=True):
    """What a line that a rule makes has."""

    panel_id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")] | None = None
    bouquet_ids: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=0, lt=2**31)], ...], msgspec.Meta(max_length=500)
    ] = ()
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = 1


class Rule(_Part, frozen=True, kw_only=True, rename={"action": "do"}):
    """One rule. `types` empty: events of every type.

    `external_id`, `until` and `reference` are paths. Of the first two, the first that leads to a
    value counts; the values of `reference` are joined by colons. `until`: Unix seconds, or an
    RFC 3339 time, which is UTC where it names no zone. Without `reference`, the event's own id
    stands for the renewal. `grace`: how long after the event a suspension is due.
    """

    types: Annotated[tuple[EventType, ...], msgspec.Meta(max_length=50)] = ()
    when: Annotated[tuple[Condition, ...], msgspec.Meta(max_length=20)] = ()
    action: RuleAction
    resource: ResourceKind = ResourceKind.LINE
    external_id: Paths | UnsetType = UNSET
    until: Paths | UnsetType = UNSET
    reference: Paths | UnsetType = UNSET
    grace: str | UnsetType = UNSET
    create: Creation | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse what does not go together. Raises ValueError."""
        if self.action is not RuleAction.NONE and self.external_id is UNSET:
            raise ValueError("external_id is missing")
        moves = self.action in {RuleAction.CREATE, RuleAction.RENEW}
        if moves is (self.until is UNSET):
            raise ValueError("until goes with create and renew, and must be there")
        if self.reference is not UNSET and not moves:
            raise ValueError("reference goes with create and renew only")
        if (self.action is RuleAction.CREATE) is (self.create is UNSET):
            raise ValueError("create goes with do: create, and must be there")
        if self.action is RuleAction.CREATE and self.resource is not ResourceKind.LINE:
            raise ValueError("only lines can be created")
        if self.grace is not UNSET:
            if self.action is not RuleAction.SUSPEND:
                raise ValueError("grace goes with suspend only")
            Period.parse(self.grace)

    def fits(self, event_type: str, payload: object) -> bool:
        """Tell whether this rule is for the event."""
        if self.types and event_type not in self.types:
            return False
        return all(condition.holds(payload) for condition in self.when)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rules make of an event. `rule` None: none fits.

    `fault`: the rule fits, but the payload lacks what it needs; nothing can be done then.
    """

    rule: int | None
    action: RuleAction
    resource: ResourceKind = ResourceKind.LINE
    external_id: str | None = None
    until: datetime | None = None
    reference: str | None = None
    grace: Period | None = None
    create: Creation | None = None
    fault: str | None = None


def rules_in(value: object) -> tuple[Rule, ...]:
    """Return the rules that a JSON list holds.

    Raises:
        msgspec.ValidationError: the list is not one of rules; see `rule_faults`.
    """
    return msgspec.convert(value, tuple[Rule, ...])


def rule_faults(value: object) -> tuple[Fault, ...]:
    """Return what is wrong with a list of rules; the first fault only."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= RULES_MAX:
        detail = f"This must be the name of a ready set, or a list of 1 to {RULES_MAX} rules."
        return (Fault("/rules", "wrong_type", detail),)
    try:
        rules_in(value)
    except msgspec.ValidationError as error:
        text = str(error)
        place = _PLACE.search(text)
        parts = re.findall(r"[^.\[\]]+", place[1] if place else "")
        told = text[: place.start()] if place else text
        pointer = "/".join(["/rules", *(part for part in parts if part != "...")])
        return (Fault(pointer, "invalid_rule", f"{told[:1].upper()}{told[1:]}."),)
    return ()


def decide(rules: tuple[Rule, ...], event_type: str, event_id: str, payload: object) -> Decision:
    """Return what the first rule that fits makes of an event. Raises nothing."""
    for place, rule in enumerate(rules):
        if rule.fits(event_type, payload):
            return _decision(place, rule, event_id, payload)
    return Decision(rule=None, action=RuleAction.NONE)


def _decision(place: int, rule: Rule, event_id: str, payload: object) -> Decision:
    external_id = _text(_first(rule.external_id, payload))
    until = moment_of(_first(rule.until, payload))
    fault = None
    if rule.action is not RuleAction.NONE and not _EXTERNAL_ID.fullmatch(external_id or ""):
        fault = "The payload names no line or device."
        external_id = None
    elif rule.until is not UNSET and until is None:
        fault = "The payload has no time to renew to."
    reference = None
    if rule.until is not UNSET:
        found = [_text(value_at(payload, path)) or "" for path in rule.reference or ()]
        reference = (":".join(found) if any(found) else event_id)[:_REFERENCE_LENGTH_MAX]
    return Decision(
        rule=place,
        action=rule.action,
        resource=rule.resource,
        external_id=external_id,
        until=until,
        reference=reference,
        grace=None if rule.grace is UNSET else Period.parse(rule.grace),
        create=None if rule.create is UNSET else rule.create,
        fault=fault,
    )


def _first(paths: tuple[str, ...] | UnsetType, payload: object) -> Any:  # noqa: ANN401 - JSON
    found = (value_at(payload, path) for path in paths or ())
    return next((value for value in found if value not in (None, "")), None)


def _text(value: object) -> str | None:
    """Return a text, or a whole number as one."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def moment_of(value: object) -> datetime | None:
    """Return a moment given as Unix seconds or as a text; None: it is neither. Whole seconds."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int) and 0 < value <= _UNIX_MAX:
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str) or "T" not in value.upper().replace(" ", "T"):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=0)
