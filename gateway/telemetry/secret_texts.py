"""Finding secrets inside texts: messages, tracebacks, URLs, forms, JSON.

Patterns can only find what has a form: a key with our prefix, a pair whose name says that it is a
secret, the user part and the query of a URL. They rather mask too much than too little. What has no
form must not be put into a text; as a field with a fitting name, or as a `Secret`, it is safe.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gateway.domain.keys import SHOWN_LENGTH
from gateway.domain.secrets import MASK

#: Words that make a field secret wherever they stand in its name.
_ANYWHERE: Final = (
    "password", "passwd", "passphrase", "secret", "token", "authorization", "credential",
    "cookie", "api_?key", "api_?pass", "private_?key", "bearer",
)  # fmt: skip
#: Words that do so only as a whole part of the name: not in `bypass`, `monkey` or `key_id`.
_PARTS: Final = frozenset({"pass", "pwd", "pw", "auth", "pin", "otp", "jwt", "pem", "dsn"})
_LAST_PARTS: Final = frozenset({"key", "keys"})
#: Names that hold one of the words and no secret.
_HARMLESS: Final = frozenset(
    {"token_type", "idempotency_key", "key_id", "cookie_count", "has_password", "password_changed"}
)

_SECRET_NAME: Final = re.compile("|".join(_ANYWHERE), re.IGNORECASE)
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[^A-Za-z0-9]+")


@lru_cache(maxsize=1_024)
def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret: `api_pass`, `userPassword`, `X-Api-Key`."""
    snake = _SEPARATORS.sub("_", _HUMP.sub("_", name)).strip("_").lower()
    if snake in _HARMLESS:
        return False
    parts = snake.split("_")
    return (
        _SECRET_NAME.search(snake) is not None
        or parts[-1] in _LAST_PARTS
        or not _PARTS.isdisjoint(parts)
    )


#: A quick look first: nearly all texts are one word such as an id, or hold none of this.
_ONE_WORD: Final = re.compile(r"[A-Za-z0-9_.\-]*")
_SUSPECT_WORDS: Final = ("xgw_", "xgs_", "whsec_", "eyj")
_SUSPECT: Final = (
    "pass", "key", "secret", "token", "auth", "?", "://", "xgw_", "xgs_", "whsec_", "eyj", "bearer",
    "basic", "-----begin", "pw", "credential", "cookie", "pin", "otp", "jwt", "pem", "dsn",
    "/live/", "/movie/", "/series/", "/timeshift/", "/streaming/", "b'", 'b"', "b\\",
)  # fmt: skip

#: What a name may go on with; brackets may be percent-encoded. Bounded, so that looking is quick.
_MORE: Final = r"(?:[A-Za-z0-9_\-.\[\]]|%5[BbDd]){0,24}?"
#: The end of a name as it stands in JSON, in a form, in a header or in a repr, from the word that
#: makes it secret; what is before does not matter. `KeyError:` is not such a name.
_NAME: Final = (
    r"(?:"
    rf"(?:password|passwd|passphrase|secret|token|authorization|credential|cookie|bearer"
    rf"|api[_\-]?key|api[_\-]?pass|private[_\-]?key){_MORE}(?<!Error)(?<!Exception)"
    r"|(?<![A-Za-z0-9])(?:pass|pwd|pw|auth|pin|otp|jwt|pem|dsn|keys?)(?:\]|%5[Dd])*)"
)
#: A text in quotes, which may be escaped themselves; to the end where the closing one is cut off.
_QUOTED: Final = r"\\*\"(?:[^\"\\]|\\.)*(?:\"|\\?\Z)|\\*'(?:[^'\\]|\\.)*(?:'|\\?\Z)"
_VALUE: Final = rf"(?:b|r|u)?(?:{_QUOTED})|\[[^\]]*\]?|\{{[^}}]*\}}?"
_PAIRS: Final = (
    # Headers and the like go on to the end of the line, a form's field to the next one. In a repr
    # of pairs, a comma stands between.
    re.compile(
        rf"(?P<name>{_NAME})(?P<sign>\\*[\"']?\s*(?:=>|:)\s*)(?:{_VALUE}|[^\r\n]*)",
        re.IGNORECASE | re.DOTALL,
    ),
    re.compile(
        rf"(?P<name>{_NAME})(?P<sign>\\*[\"']?\s*(?:=|%3[Dd])\s*)(?:{_VALUE}|[^\r\n&]*)",
        re.IGNORECASE | re.DOTALL,
    ),
    re.compile(
        rf"(?P<name>{_NAME})(?P<sign>\\*[\"']\s*,\s*)(?:{_VALUE})", re.IGNORECASE | re.DOTALL
    ),
)

_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        re.compile(r"-----BEGIN[^-]*-----.*?(?:-----END[^-]*-----|\Z)", re.DOTALL),
        f"-----{MASK}-----",
    ),
    (re.compile(rf"(xgw|xgs)_[A-Za-z0-9]{{{SHOWN_LENGTH - 3},}}"), rf"\1_{MASK}"),
    (re.compile(r"whsec_[A-Za-z0-9+/=_\-]+"), f"whsec_{MASK}"),
    (
        re.compile(r"(?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)*"),
        MASK,
    ),
    (re.compile(r"\b(bearer|basic)\s+[^\s,;\"']+", re.IGNORECASE), rf"\1 {MASK}"),
    # Where panels hand out streams, the credentials are part of the path.
    (
        re.compile(r"/(live|movie|series|timeshift|streaming)/[^/\s\"']+/[^/\s\"']+/"),
        rf"/\1/{MASK}/{MASK}/",
    ),
)
#: Bytes in somebody's repr: a body, a cipher text, a key.
_BYTES: Final = re.compile(rf"(?<![A-Za-z0-9_'\"\\])b(?:{_QUOTED})", re.DOTALL)
#: All that may belong to a URL after its scheme, and to its query. Taken whole, however long: no
#: pattern here may look at a part of a text more than once, or a hostile text could stop the loop.
_AFTER_SCHEME: Final = re.compile(r"(?<=://)[^\s\"'<>]++")
_QUERY: Final = re.compile(r"\?[^\s\"'<>#]++")


def redact_text(text: str) -> str:
    """Return *text* with every secret that shows its form replaced by `***`."""
    lower = text.lower()
    suspect = _SUSPECT_WORDS if _ONE_WORD.fullmatch(text) else _SUSPECT
    if not any(part in lower for part in suspect):
        return text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _AFTER_SCHEME.sub(_without_user, text)
    text = _QUERY.sub(_without_query, text)
    for pairs in _PAIRS:
        text = pairs.sub(_masked_pair, text)
    return _BYTES.sub(f"b{MASK}", text)


def _without_user(match: re.Match[str]) -> str:
    """Mask up to the last @: an unencoded password may hold any sign."""
    _user, at, host = match[0].rpartition("@")
    return f"{MASK}@{host}" if at else match[0]


def _without_query(match: re.Match[str]) -> str:
    return f"?{MASK}" if "=" in match[0] else match[0]


def _masked_pair(match: re.Match[str]) -> str:
    return f"{match['name']}{match['sign']}{MASK}"
