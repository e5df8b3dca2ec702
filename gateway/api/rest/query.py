"""Query strings: each parameter once, known and well-formed, or a fault."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Self
from urllib.parse import parse_qsl

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from gateway.api.rest.faults import invalid, query_faults, wrong
from gateway.api.rest.wire import Wire
from gateway.domain.errors import Fault, InvalidRequest
from gateway.domain.ids import IdKind
from gateway.domain.paging import LIMIT_DEFAULT, LIMIT_MAX, PageRequest, decode_cursor

PARAMETERS_MAX: Final = 50
_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)

Pairs = tuple[tuple[str, str], ...]


def _whole_number(text: object) -> object:
    """Turn decimal digits into an int; Python's `int` would take blanks, signs and `1_0` too."""
    if isinstance(text, str) and _DIGITS.fullmatch(text):
        return int(text)
    raise wrong("bad_format", "This must be a whole number.")


Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX), BeforeValidator(_whole_number)]


def parse_query(query_string: bytes) -> Pairs:
    """Return the parameters in the order sent.

    Raises:
        InvalidRequest: not UTF-8, or more than 50 parameters.
    """
    if not query_string:
        return ()
    try:
        return tuple(
            parse_qsl(
                query_string.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=PARAMETERS_MAX,
            )
        )
    except ValueError:
        detail = "The query is not percent-encoded UTF-8, or it has too many parameters."
        raise InvalidRequest(detail, faults=(Fault("?", "bad_format", detail),)) from None


class Query(Wire):
    """The base of query parameters."""

    model_config = ConfigDict(strict=False)

    @classmethod
    def of(cls, pairs: Pairs) -> Self:
        """Return the checked parameters.

        Raises:
            InvalidRequest: with all faults at once; each pointer is `?name`.
        """
        values: dict[str, str] = {}
        faults: list[Fault] = []
        for name, value in pairs:
            if name in values:
                faults.append(Fault(f"?{name[:100]}", "duplicate", "Give this parameter once."))
            values[name] = value
        try:
            made = cls.model_validate(values)
        except ValidationError as error:
            faults += query_faults(error)
        if faults:
            raise invalid(faults)
        return made


class NoQuery(Query):
    """No parameters."""


def _switch(text: object) -> object:
    if text in {"true", "false"}:
        return text == "true"
    raise wrong("unknown_value", "This must be true or false.")


class ChangeQuery(Query):
    """The parameters of every change."""

    dry_run: Annotated[
        bool,
        BeforeValidator(_switch),
        Field(description="`true`: only tell what would happen; nothing is sent or stored."),
    ] = False


class PageQuery(Query):
    """The parameters of every list."""

    #: What the list holds; its cursors are made of such ids.
    kind: ClassVar[IdKind]

    limit: Limit = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(description="The next_cursor of the page before.")] = None

    @field_validator("cursor")
    @classmethod
    def _check_cursor(cls, cursor: str | None, _: ValidationInfo) -> str | None:
        try:
            return None if cursor is None else decode_cursor(cursor, cls.kind)
        except InvalidRequest as error:
            raise wrong("invalid_cursor", error.detail) from None

    @property
    def page(self) -> PageRequest:
        """Return which page is asked for."""
        return PageRequest(limit=self.limit, after=self.cursor)

    def filters(self) -> dict[str, Any]:
        """Return the other parameters, those not given as None."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in PageQuery.model_fields
        }
