"""Pydantic's errors -> our faults: JSON pointers, stable codes, own words.

Pydantic's wording changes between versions and may quote what was sent; neither may reach a caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.api.problems import FAULTS_MAX
from gateway.domain.errors import Fault, InvalidRequest

POINTER_LENGTH_MAX: Final = 200

#: Pydantic's type of error -> our code and sentence.
_KNOWN: Final = {
    "missing": ("missing", "This is required."),
    "extra_forbidden": ("unknown_field", "There is no such field here."),
    "string_type": ("wrong_type", "This must be a string."),
    "int_type": ("wrong_type", "This must be a whole number."),
    "int_from_float": ("wrong_type", "This must be a whole number."),
    "float_type": ("wrong_type", "This must be a number."),
    "bool_type": ("wrong_type", "This must be true or false."),
    "tuple_type": ("wrong_type", "This must be an array."),
    "dict_type": ("wrong_type", "This must be an object."),
    "model_type": ("wrong_type", "This must be an object."),
    "none_required": ("wrong_type", "This must be null."),
    "string_too_short": ("too_short", "At least {min_length} characters."),
    "string_too_long": ("too_long", "At most {max_length} characters."),
    "too_short": ("too_short", "At least {min_length} items."),
    "too_long": ("too_long", "At most {max_length} items."),
    "greater_than": ("out_of_range", "This must be greater than {gt}."),
    "greater_than_equal": ("out_of_range", "This must be at least {ge}."),
    "less_than": ("out_of_range", "This must be less than {lt}."),
    "less_than_equal": ("out_of_range", "This must be at most {le}."),
    "string_pattern_mismatch": ("bad_format", "This must match {pattern}."),
    "enum": ("unknown_value", "This must be {expected}."),
    "literal_error": ("unknown_value", "This must be {expected}."),
}

#: Every code a fault can have, and when; published with the problems.
FAULT_CODES: Final = {
    "bad_format": "The text does not have the promised form.",
    "bouquet_not_allowed": "The reseller's policy does not include this bouquet.",
    "duplicate": "The same value, or the same parameter, is there twice.",
    "exactly_one": "Exactly one of several fields must be given.",
    "field_not_allowed": "The field is for operators, or the policy forbids its value.",
    "in_the_past": "The time has passed already.",
    "invalid": "The value is not valid for another reason.",
    "invalid_cursor": "The cursor is not one that this list gave.",
    "invalid_rule": "The rule is not one; the detail says why.",
    "missing": "A required field is not there.",
    "no_account": "The reseller has no account on this panel.",
    "not_allowed": "The value is well-formed, but not possible here.",
    "not_its_account": "The account on the panel is another one.",
    "out_of_range": "The number or time is too small or too large.",
    "too_far": "The time is later than the panel can keep.",
    "too_long": "The text or array is too long.",
    "too_short": "The text or array is too short.",
    "unknown": "What the value names does not exist.",
    "unknown_field": "There is no such field or query parameter.",
    "unknown_value": "The text is none of the possible values.",
    "unsafe_text": "A panel would not keep this text as it is.",
    "wrong_digest": "The id of a document is not the SHA-256 of its text.",
    "wrong_type": "The value has another JSON type than promised.",
}

_OURS: Final = "gateway:"


def wrong(code: str, detail: str) -> PydanticCustomError:
    """Return the error that a validator of ours raises; *code* is one of FAULT_CODES."""
    return PydanticCustomError(_OURS + code, "{detail}", {"detail": detail})


def invalid(faults: Iterable[Fault]) -> InvalidRequest:
    """Return the one error that tells all *faults*."""
    told = tuple(faults)
    count = "one fault" if len(told) == 1 else f"{len(told)} faults"
    more = "" if len(told) <= FAULTS_MAX else f", of which the first {FAULTS_MAX} are listed"
    return InvalidRequest(f"The request has {count}{more}; see errors.", faults=told)


def body_faults(error: ValidationError, value: object) -> list[Fault]:
    """Return the faults of a body; *value* is the body that was validated."""
    return [
        Fault(_pointer(part["loc"], value), *_code_and_detail(part))
        for part in error.errors(include_url=False, include_input=False)
    ]


def query_faults(error: ValidationError) -> list[Fault]:
    """Return the faults of a query; the pointer is `?name`."""
    return [
        Fault(_cut(f"?{part['loc'][0]}"), *_code_and_detail(part))
        for part in error.errors(include_url=False, include_input=False)
    ]


def _code_and_detail(part: ErrorDetails) -> tuple[str, str]:
    kind, context = part["type"], part.get("ctx", {})
    if kind.startswith(_OURS):
        return kind.removeprefix(_OURS), context["detail"]
    code, template = _KNOWN.get(kind, ("invalid", "This value is not valid."))
    return code, template.format_map(context)


def _pointer(location: tuple[int | str, ...], value: object) -> str:
    """Return an RFC 6901 pointer; what pydantic adds to a location is left out.

    Those additions (the member of a union, `[key]` for a fault in a key) name nothing in *value*.
    """
    pointer, here = "", value
    for part in location:
        if isinstance(here, list) and isinstance(part, int):
            here = here[part] if part < len(here) else None
        elif isinstance(here, dict) and not (part == "[key]" and part not in here):
            here = here.get(part)
        else:
            continue
        pointer += "/" + str(part).replace("~", "~0").replace("/", "~1")
    return _cut(pointer)


def _cut(pointer: str) -> str:
    """Keep answers small when a field's name is not."""
    return pointer if len(pointer) <= POINTER_LENGTH_MAX else pointer[:POINTER_LENGTH_MAX] + "..."


def as_dict(value: object) -> dict[str, Any]:
    """Return *value* if it is an object, else an empty one: for rules over several fields."""
    return value if isinstance(value, dict) else {}
