"""What texts look like, for the OpenAPI document; the first two are also what is checked.

Written so that Python, ECMAScript and Rust read them alike. The panel's rules themselves are in
`domain.panel_text`; a test holds these patterns against them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

#: Free text: of C0 and C1 only tab and line ends; neither a database nor a terminal gets others.
FREE_TEXT: Final = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
#: Names are one line without blank ends, and without what turns, joins or hides characters.
NAME: Final = (
    r"^(?!\s)[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb]*(?<!\s)$"
)

_REWRITTEN: Final = r"\\|\.\./|<[Ss][Cc][Rr][Ii][Pp][Tt]|<!--|-->|&#"
_KEPT: Final = r"\u0020-\u007e\u00a0-\ud7ff\ue000-\uffff"
#: What a panel keeps as it is: one line, several, and an item of a list.
PANEL_TEXT: Final = rf"^(?!\s)(?![\s\S]*(?:{_REWRITTEN}))[{_KEPT}]*(?<!\s)$"
PANEL_LINES: Final = rf"^(?!\s)(?![\s\S]*(?:{_REWRITTEN}))[\n{_KEPT}]*(?<!\s)$"
PANEL_ITEM: Final = rf'^(?!\s)(?![\s\S]*(?:{_REWRITTEN}|"))[{_KEPT}]+(?<!\s)$'
COLUMN: Final = r"^[A-Za-z0-9_]{1,64}$"

#: RFC 3339, from 1970 on.
TIME: Final = (
    r"^(?:19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$"
)


def _some_of(*parts: str) -> str:
    """Return the pattern of at least one of *parts*, in this order."""
    starts = (
        part + "".join(f"(?:{other})?" for other in parts[place:])
        for place, part in enumerate(parts, start=1)
    )
    return f"(?:{'|'.join(starts)})"


_DATES: Final = _some_of("[0-9]{1,3}Y", "[0-9]{1,4}M", "[0-9]{1,4}W", "[0-9]{1,5}D")
_TIMES: Final = "T" + _some_of("[0-9]{1,6}H", "[0-9]{1,7}M", "[0-9]{1,8}S")
#: An ISO 8601 duration; which are zero or too long it does not tell.
PERIOD: Final = f"^P(?:{_DATES}(?:{_TIMES})?|{_TIMES})$"


@dataclass(frozen=True)
class Documented:
    """Adds members to the JSON schema of a type; nothing is checked by them."""

    members: dict[str, Any] = field(hash=False)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema that would be published, with the members."""
        return handler(core) | self.members


def looks_like(pattern: str) -> Documented:
    """Document what a text looks like."""
    return Documented({"pattern": pattern})


#: An object whose members' names all look as described.
EXACT_NAMES: Final = Documented({"additionalProperties": False})
