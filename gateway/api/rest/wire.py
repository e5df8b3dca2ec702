"""What people send: the base of all request shapes, and the types of their fields.

Nothing is converted silently: "1" is not 1, 1 is not true, an unknown field is a fault. The types
are the contract's, sections 3 and 10; what a panel would change or cut is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    Strict,
    ValidationError,
    WithJsonSchema,
)

from gateway.api.rest.faults import as_dict, body_faults, invalid, wrong
from gateway.domain import panel_text
from gateway.domain.errors import Fault
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.periods import Period

T = TypeVar("T", bound=Hashable)

_RFC3339: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
YEAR_MIN: Final = 1970
#: What neither our database nor anybody's terminal should get: C0 and C1 without tab and line ends.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


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


def example(**members: JsonValue) -> ConfigDict:
    """Return the configuration of a body whose documentation shows these members."""
    return ConfigDict(json_schema_extra={"examples": [members]})


class Patch(Wire):
    """The base of merge patches: only what is given changes."""

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent, null ones too."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Nothing(Wire):
    """An empty object."""


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
    except ValueError as error:
        raise wrong("bad_format", f"{str(error).capitalize()}.") from None


def _period_text(text: str) -> str:
    _period(text)
    return text


_TIME_SCHEMA: Final = {
    "type": "string",
    "format": "date-time",
    "examples": ["2027-01-31T00:00:00Z"],
}
_PERIOD_SCHEMA: Final = {"type": "string", "format": "duration", "examples": ["P1M", "P30D"]}

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
    return "It holds a control character." if _CONTROLS.search(text) else None


def _name_fault(text: str) -> str | None:
    if any(not character.isprintable() for character in text):
        return "It holds a control character."
    return None if text == text.strip() else "It begins or ends with a blank."


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
]
Password = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._@-]+$"),
    checked(panel_text.credential_faults),
]
#: An external_id by itself, as a part of a path.
EXTERNAL_ID: Final = r"^[A-Za-z0-9._:@-]{1,128}$"
ExternalId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:@-]+$")]
#: Kept by the panel: what it would rewrite is refused. Line feeds are fine.
Notes = Annotated[str, Field(max_length=NOTES_LENGTH_MAX), checked(_panel_notes_fault)]
PanelText = Annotated[str, Field(max_length=255), checked(panel_text.value_faults)]
UserAgent = Annotated[str, Field(max_length=255), checked(panel_text.list_item_faults)]
ColumnName = Annotated[str, Field(max_length=64), checked(panel_text.column_faults)]
#: Ours alone: names of things, and free text that only people read.
Name = Annotated[str, Field(min_length=1, max_length=100), checked(_name_fault)]
FreeText = Annotated[str, Field(max_length=500), checked(_control_fault)]
Reference = Annotated[str, Field(min_length=1, max_length=128), checked(_name_fault)]
Prefix = Annotated[str, Field(min_length=1, max_length=128), checked(_control_fault)]

_MetadataKey = Annotated[str, Field(min_length=1, max_length=40), checked(_name_fault)]
Metadata = Annotated[dict[_MetadataKey, FreeText], Field(max_length=50)]
MetadataPatch = Annotated[dict[_MetadataKey, FreeText | None], Field(max_length=50)]


# --- addresses and arrays ------------------------------------------------------------------------


def _ip(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise wrong("bad_format", "This must be an IPv4 or IPv6 address.") from None
    if getattr(address, "scope_id", None):
        raise wrong("bad_format", "This must be an address without a zone.")
    return str(address)


def _network(text: str) -> str:
    if "/" not in text:
        return _ip(text)
    try:
        return str(ip_network(text))
    except ValueError:
        raise wrong("bad_format", "This must be an address or a network in CIDR form.") from None


def distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse an array that holds a value twice; the order is kept."""
    if len(set(values)) != len(values):
        raise wrong("duplicate", "The same value is there twice.")
    return values


#: One address, as panels compare the client's; they know no networks here.
Ip = Annotated[str, Field(max_length=45), AfterValidator(_ip)]
Network = Annotated[str, Field(max_length=49), AfterValidator(_network)]
BouquetId = Annotated[int, Field(gt=0, lt=2**31)]
BouquetIds = Annotated[
    tuple[BouquetId, ...], Strict(strict=False), Field(max_length=1_000), AfterValidator(distinct)
]
Ips = Annotated[
    tuple[Ip, ...], Strict(strict=False), Field(max_length=100), AfterValidator(distinct)
]
Networks = Annotated[
    tuple[Network, ...], Strict(strict=False), Field(max_length=100), AfterValidator(distinct)
]
UserAgents = Annotated[
    tuple[UserAgent, ...], Strict(strict=False), Field(max_length=50), AfterValidator(distinct)
]
#: Null: no limit.
MaxConnections = Annotated[int, Field(ge=1, le=1_000)] | None
PanelInt = Annotated[int, Field(ge=0, lt=2**31)]
