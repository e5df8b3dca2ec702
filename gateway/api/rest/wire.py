"""What people send: the base of all request shapes, and the types of their fields.

Nothing is converted silently: "1" is not 1, 1 is not true, an unknown field is a fault. The types
are the contract's, sections 3 and 10; what a panel would change or cut is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)

from gateway.api.rest import patterns
from gateway.api.rest.faults import as_dict, body_faults, invalid, wrong
from gateway.api.rest.patterns import EXACT_NAMES, Documented, looks_like
from gateway.domain import panel_text
from gateway.domain.errors import Fault
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.periods import Period, PeriodOutOfRange

_RFC3339: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
YEAR_MIN: Final = 1970
_FREE_TEXT: Final = re.compile(patterns.FREE_TEXT)
_NAME: Final = re.compile(patterns.NAME)


class Wire(BaseModel):
    """The base of request bodies."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_by_alias=True,
        validate_by_name=False,
    )

    @classmethod
    def cross_faults(cls, body: dict[str, Any]) -> Iterator[Fault]:  # noqa: ARG003 - for subclasses
        """Yield faults between fields; *body* is as sent, so its fields may be faulty too."""
        yield from ()

    @classmethod
    def read(cls, value: object) -> Self:
        """Return the checked body.

        Raises:
            InvalidRequest: with all faults at once.
        """
        faults = list(cls.cross_faults(as_dict(value)))
        try:
            made = cls.model_validate(value)
        except ValidationError as error:
            faults = [*body_faults(error, value), *faults]
        if faults:
            raise invalid(faults)
        return made


def example(*rules: dict[str, JsonValue], **members: JsonValue) -> ConfigDict:
    """Return the configuration of a body whose documentation shows these members and *rules*."""
    extra: dict[str, JsonValue] = {"examples": [members]}
    for rule in rules:
        extra |= rule
    return ConfigDict(json_schema_extra=extra)


class Patch(Wire):
    """The base of merge patches: only what is given changes."""

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent, null ones too."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Nothing(Wire):
    """An empty object."""


def one_of(**members: JsonValue) -> dict[str, JsonValue]:
    """Return the JSON schema of `exactly_one` of *members*, each with what it is when given."""
    return {
        "oneOf": [
            {"required": [name], "properties": {name: schema}} for name, schema in members.items()
        ]
    }


def exactly_one(body: dict[str, Any], *names: str) -> Iterator[Fault]:
    """Yield a fault unless exactly one of *names* is given; null and false count as not given."""
    given = [name for name in names if body.get(name) is not None and body[name] is not False]
    if len(given) != 1:
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        yield Fault("", "exactly_one", f"Give exactly one of {listed}.")


# --- times and durations -------------------------------------------------------------------------


def _time(value: object) -> datetime:
    if not isinstance(value, str):
        raise wrong("wrong_type", "This must be a string.")
    match = _RFC3339.fullmatch(value)
    if match is None:
        raise wrong("bad_format", "This must be an RFC 3339 time such as 2027-01-31T00:00:00Z.")
    date, time, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(
            f"{date}T{time}.{(fraction or '0')[:6]:0<6}{offset.upper().replace('Z', '+00:00')}"
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong("bad_format", "There is no such moment.") from None
    if moment.year < YEAR_MIN:
        raise wrong("out_of_range", f"This must not be before {YEAR_MIN}.")
    return moment


def _expiry(value: object) -> datetime:
    return _time(value).replace(microsecond=0)


def _period(value: object) -> Period:
    if not isinstance(value, str):
        raise wrong("wrong_type", "This must be a string.")
    try:
        return Period.parse(value)
    except PeriodOutOfRange as error:
        raise wrong("out_of_range", f"{str(error).capitalize()}.") from None
    except ValueError as error:
        raise wrong("bad_format", f"{str(error).capitalize()}.") from None


def _period_text(text: str) -> str:
    _period(text)
    return text


_TIME_SCHEMA: Final = {
    "type": "string",
    "format": "date-time",
    "pattern": patterns.TIME,
    "examples": ["2027-01-31T00:00:00Z"],
}
#: Without `format`: JSON Schema's duration has no weeks beside other parts.
_PERIOD_SCHEMA: Final = {
    "type": "string",
    "pattern": patterns.PERIOD,
    "examples": ["P1M", "P30D"],
}

Time = Annotated[datetime, PlainValidator(_time), WithJsonSchema(_TIME_SCHEMA)]
#: An expiry; panels count whole seconds, so a fraction is dropped.
Expiry = Annotated[datetime, PlainValidator(_expiry), WithJsonSchema(_TIME_SCHEMA)]
Duration = Annotated[Period, PlainValidator(_period), WithJsonSchema(_PERIOD_SCHEMA)]
#: The same, kept as the text that was sent.
DurationText = Annotated[str, AfterValidator(_period_text), WithJsonSchema(_PERIOD_SCHEMA)]


# --- texts ---------------------------------------------------------------------------------------


def checked(find_fault: Callable[[str], str | None], code: str = "unsafe_text") -> AfterValidator:
    """Return a validator that refuses a text with what *find_fault* says of it."""

    def check(text: str) -> str:
        fault = find_fault(text)
        if fault is not None:
            raise wrong(code, fault)
        return text

    return AfterValidator(check)


def _control_fault(text: str) -> str | None:
    return None if _FREE_TEXT.fullmatch(text) else "It holds a control character."


def _name_fault(text: str) -> str | None:
    if text != text.strip():
        return "It begins or ends with a blank."
    return None if _NAME.fullmatch(text) else "It holds a control character."


def _panel_notes_fault(text: str) -> str | None:
    return panel_text.value_faults(text, max_length=NOTES_LENGTH_MAX, lines=True)


NOTES_LENGTH_MAX: Final = 2_000

_ID: Final = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
PanelRef = Annotated[PanelId, _ID]
ResellerRef = Annotated[ResellerId, _ID]
#: Any id of ours; whether it exists is for the services to say.
AnyRef = Annotated[str, _ID]

Username = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._@-]+$"),
    checked(panel_text.credential_faults),
    Documented({"not": {"const": "0"}}),
]
Password = Username
#: An external_id by itself, as a part of a path.
EXTERNAL_ID: Final = r"^[A-Za-z0-9._:@-]{1,128}$"
ExternalId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:@-]+$")]
#: Kept by the panel: what it would rewrite is refused. Line feeds are fine.
Notes = Annotated[
    str,
    Field(max_length=NOTES_LENGTH_MAX),
    checked(_panel_notes_fault),
    looks_like(patterns.PANEL_LINES),
]
PanelText = Annotated[
    str,
    Field(max_length=255),
    checked(panel_text.value_faults),
    looks_like(patterns.PANEL_TEXT),
]
UserAgent = Annotated[
    str,
    Field(max_length=255),
    checked(panel_text.list_item_faults),
    looks_like(patterns.PANEL_ITEM),
]
ColumnName = Annotated[
    str, Field(max_length=64), checked(panel_text.column_faults), looks_like(patterns.COLUMN)
]
#: Ours alone: names of things, and free text that only people read.
_OneLine = Annotated[str, checked(_name_fault), looks_like(patterns.NAME)]
_Text = Annotated[str, checked(_control_fault), looks_like(patterns.FREE_TEXT)]
Name = Annotated[_OneLine, Field(min_length=1, max_length=100)]
FreeText = Annotated[_Text, Field(max_length=500)]
Reference = Annotated[_OneLine, Field(min_length=1, max_length=128)]
Prefix = Annotated[_Text, Field(min_length=1, max_length=128)]

_MetadataKey = Annotated[_OneLine, Field(min_length=1, max_length=40)]
Metadata = Annotated[dict[_MetadataKey, FreeText], Field(max_length=50), EXACT_NAMES]
MetadataPatch = Annotated[dict[_MetadataKey, FreeText | None], Field(max_length=50), EXACT_NAMES]


# --- numbers --------------------------------------------------------------------------------------

#: Null: no limit.
MaxConnections = Annotated[int, Field(ge=1, le=1_000)] | None
PanelInt = Annotated[int, Field(ge=0, lt=2**31)]
