"""Which texts a panel would store as they are, and which it would change, cut or refuse.

Before it looks at a form, a v2 panel cleans every value: it removes NUL and backslashes, rewrites
`<script`, `<!--`, `-->`, `../` and `&#`, turns CR into LF and trims blanks. Its database then cuts
long texts and stores a question mark for every byte of a character outside the Basic Multilingual
Plane. A changed credential can never be found again, so such texts are refused before anything is
prepared. Each function returns what is wrong as one sentence, or None.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Characters in the panel's short text columns, and in a username or password.
SHORT_TEXT_MAX: Final = 255
#: Characters in a long text column: MySQL's TEXT holds 65,535 bytes, a character at most three.
LONG_TEXT_MAX: Final = 21_845

#: What the panel rewrites inside a value, in lower case, and how we name it.
_REWRITTEN: Final = (
    ("\\", "a backslash"),
    ("../", "the text ../"),
    ("<script", "the text <script"),
    ("<!--", "the text <!--"),
    ("-->", "the text -->"),
    ("&#", "the text &#"),
)
#: Characters of a URL, in which players put both credentials.
_NOT_IN_CREDENTIALS: Final = frozenset("/?#&%")
_EXTRA_COLUMN: Final = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
#: Columns that no caller may write: identity, kind and history of a row, and all that has a field
#: of its own.
_RESERVED_COLUMNS: Final = frozenset(
    {
        "id",
        "username",
        "password",
        "exp_date",
        "admin_enabled",
        "enabled",
        "admin_notes",
        "reseller_notes",
        "bouquet",
        "max_connections",
        "is_restreamer",
        "allowed_ips",
        "allowed_ua",
        "is_trial",
        "member_id",
        "is_mag",
        "is_e2",
        "mac",
        "output_formats",
        "force_server_id",
        "is_isplock",
        "play_token",
        "as_number",
        "isp_desc",
    }
)


def value_faults(text: str, *, max_length: int = SHORT_TEXT_MAX, lines: bool = False) -> str | None:
    """Return why a panel would not keep *text* as it is, or None when it would.

    An empty text is fine. *max_length* counts characters; *lines* allows line feeds inside.
    """
    if len(text) > max_length:
        return f"It is longer than {max_length} characters."
    if text != text.strip():
        return "It begins or ends with a blank."
    return _character_fault(text, lines=lines) or _rewritten_fault(text)


def credential_faults(text: str) -> str | None:
    """Return why *text* cannot be a username or password on a panel, or None when it can.

    Besides `value_faults`: not empty and not `0`, which the panel takes for missing; printable
    ASCII only; none of the characters that end a part of a URL.
    """
    if text in {"", "0"}:
        return "It is empty or 0, which the panel takes for missing."
    if not text.isascii():
        return "It holds a character outside ASCII."
    if not _NOT_IN_CREDENTIALS.isdisjoint(text):
        return "It holds one of the characters / ? # & %."
    return value_faults(text)


def list_item_faults(text: str) -> str | None:
    """Return why *text* cannot be an item of an allow list, or None when it can.

    The list travels as JSON text without escapes, so an item holds no quotation mark; the panel
    drops blank items.
    """
    if not text:
        return "It is empty."
    if '"' in text:
        return "It holds a quotation mark."
    return value_faults(text)


def column_faults(name: str) -> str | None:
    """Return why *name* cannot be an extra column, or None when it can.

    The panel makes a column name of every key after removing other characters, so only exact
    names pass, and none that a field of ours already writes.
    """
    if _EXTRA_COLUMN.fullmatch(name) is None:
        return "It is not 1 to 64 of the characters A-Z, a-z, 0-9 and _."
    lowered = name.lower()  # MySQL compares column names without case.
    if lowered in _RESERVED_COLUMNS or lowered.startswith("created_"):
        return "It is a column of the panel that only the gateway or the panel writes."
    return None


def _character_fault(text: str, *, lines: bool) -> str | None:
    for character in text:
        if character == "\n" and lines:
            continue
        category = unicodedata.category(character)
        if category == "Cc":
            return "It holds a control character."
        if category == "Cs" or ord(character) > 0xFFFF:
            return "It holds a character that the panel's database cannot store, such as an emoji."
    return None


def _rewritten_fault(text: str) -> str | None:
    lowered = text.lower()
    for rewritten, name in _REWRITTEN:
        if rewritten in lowered:
            return f"It holds {name}, which the panel rewrites."
    return None
