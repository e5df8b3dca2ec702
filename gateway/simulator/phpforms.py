"""How PHP reads a query and a body, and how the panel's script cleans what it got.

Query and body are read apart and then laid over each other by top-level key, the body winning.
Only urlencoded and multipart bodies count; any other type is as good as no body. At most 500
variables are read from each.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.simulator.php import PhpArray, PhpKey, PhpValue, array_key, next_key, strip, text_of

MAX_VARIABLES: Final = 500
MAX_NESTING: Final = 20
MAX_NAME_NESTING: Final = 64
MAX_CLEANED_DEPTH: Final = 20

Pair = tuple[bytes, bytes]

_BOUNDARY = re.compile(rb'boundary=(?:"([^"]*)"|([^;,]*))', re.IGNORECASE)
_PART_NAME = re.compile(rb'(?:^|[;\s])name=(?:"((?:\\.|[^"\\])*)"|([^;\s]*))', re.IGNORECASE)
_APPENDING: Final = ("", " ", "\t", "\n", "\r", "\v", "\f")
_PART_FILE = re.compile(rb"(?:^|[;\s])filename=", re.IGNORECASE)


def decode(raw: bytes) -> bytes:
    """PHP's urldecode(): `+` is a blank, a broken `%` stays."""
    return unquote_to_bytes(raw.replace(b"+", b" "))


def split_pairs(raw: bytes) -> list[Pair]:
    """Return name and value of each variable of a query or an urlencoded body."""
    pairs: list[Pair] = []
    for piece in raw.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((decode(name), decode(value)))
    return pairs


def split_multipart(raw: bytes, content_type: bytes) -> list[Pair]:
    """Return name and value of each plain field of a multipart body; files are left out."""
    found = _BOUNDARY.search(content_type)
    boundary = (found.group(1) or found.group(2) or b"").strip() if found else b""
    if not boundary:
        return []
    pairs: list[Pair] = []
    for part in (b"\r\n" + raw).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            break
        head, blank_line, value = part.partition(b"\r\n\r\n")
        name = _part_name(head)
        if blank_line and name is not None:
            pairs.append((name, value))
    return pairs


def _part_name(head: bytes) -> bytes | None:
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"content-disposition" and not _PART_FILE.search(value):
            found = _PART_NAME.search(value)
            if found:
                quoted, bare = found.groups()
                return re.sub(rb"\\(.)", rb"\1", quoted) if quoted is not None else bytes(bare)
    return None


def body_pairs(method: str, content_type: bytes, body: bytes) -> list[Pair]:
    """Return the variables of a body, if it is one that PHP reads."""
    kind = re.split(rb"[;, ]", content_type.strip(), maxsplit=1)[0].lower()
    if method != "POST":
        return []
    if kind == b"application/x-www-form-urlencoded":
        return split_pairs(body)
    if kind == b"multipart/form-data":
        return split_multipart(body, content_type)
    return []


def read_variables(pairs: list[Pair]) -> PhpArray:
    """Return the array PHP makes of *pairs*; those beyond the limit are silently lost."""
    array: PhpArray = {}
    for name, value in pairs[:MAX_VARIABLES]:
        path = split_name(text_of(name.partition(b"\0")[0]))
        if path:
            _put(array, path, text_of(value))
    return array


def split_name(name: str) -> list[str | None]:
    """Return the path that a variable's name means; None appends; [] is no variable.

    `a[b][]` is a, b, append. A bracket without its partner becomes `_`, and so do `.` and blank
    in the first part.
    """
    name = name.lstrip(" ")
    first, bracket, rest = name.partition("[")
    first = re.sub(r"[ .]", "_", first)
    if not first:
        return []
    if bracket and "]" not in rest:
        return [f"{first}_{rest}"]
    path: list[str | None] = [first]
    rest = bracket + rest
    while rest.startswith("[") and "]" in rest:
        inner, _, rest = rest[1:].partition("]")
        path.append(None if inner in _APPENDING else inner)
    return path if len(path) <= MAX_NAME_NESTING else []


def _put(array: PhpArray, path: list[str | None], value: str) -> None:
    for part in path[:-1]:
        key: PhpKey = next_key(array) if part is None else array_key(part)
        inner = array.get(key)
        if not isinstance(inner, dict):
            inner = {}
            array[key] = inner
        array = inner
    last = path[-1]
    array[next_key(array) if last is None else array_key(last)] = value


# --- cleaning ------------------------------------------------------------------------------------


def clean_value(text: str) -> str:
    """Return *text* as the script keeps it: made harmless for HTML pages, and trimmed."""
    if text.isascii() and text.isalnum():
        return text  # As it mostly is: nothing to find in it.
    text = text.replace("\0", "").replace("../", "&#46;&#46;/").replace("\\", "")
    text = text.replace("\r\n", "\n").replace("\n\r", "\n").replace("\r", "\n")
    text = text.replace("<!--", "&#60;&#33;--").replace("-->", "--&#62;")
    text = re.sub("<script", "&#60;script", text, flags=re.IGNORECASE | re.ASCII)
    text = re.sub(r"&#([0-9]+)(?=[^0-9;])", r"&#\1;", text)
    return strip(text_of(text.encode("utf-8", "surrogateescape")))


@lru_cache(maxsize=1024)
def clean_key(key: PhpKey) -> PhpKey:
    """Return *key* decoded once more, without `..` and `__x__`."""
    if isinstance(key, int):
        return key
    text = text_of(decode(key.encode("utf-8", "surrogateescape")))
    text = re.sub(r"__.+?__", "", text.replace("..", ""))
    return array_key(text)


def clean(array: PhpArray, depth: int = 0) -> PhpArray:
    """Return *array* cleaned, keys and values; what is nested too deep is dropped."""
    cleaned: PhpArray = {}
    if depth >= MAX_CLEANED_DEPTH:
        return cleaned
    for key, value in array.items():
        cleaned[clean_key(key)] = _clean_any(value, depth)
    return cleaned


def _clean_any(value: PhpValue, depth: int) -> PhpValue:
    if isinstance(value, dict):
        return clean(value, depth + 1)
    return clean_value(value) if isinstance(value, str) else value
