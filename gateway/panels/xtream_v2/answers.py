"""What an answer of `api.php` is: a total classifier, for changes and for reads.

Facts about the panel, recorded on a real one:
- Outcomes of the script are all status 200 and `text/html`; the body ends at end of file, without
  length. A cut answer shows only as broken JSON.
- PHP warnings may stand before the JSON, never after it.
- A refused address or key answers `{"result":false,"0":"IP FORBIDDEN"}` (or `KEY WRONG`).
- An unknown action, another script and an answer that could not be encoded are all an empty 200.
- Database trouble is `{"error":"MySQL: ..."}` without `result`.
- The request firewall answers 404 with an empty body, before anything is done; the web server's
  own 404 has a page.

A change is a success only when everything fits; it is refused only in known words; it provably did
nothing only in those two cases and behind the firewall. All else is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from gateway.domain.errors import (
    PanelError,
    PanelLineGated,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelRefusedValues,
    PanelUnavailable,
)
from gateway.domain.secrets import MASK
from gateway.panels.dialect import Answer
from gateway.panels.xtream_v2.body import Json, NoJson, NotUsable, json_in

#: Seconds after which trying a read again makes sense: the web server's limit counts per second.
RATE_LIMIT_PAUSE_SECONDS: Final = 2
FAULT_PAUSE_SECONDS: Final = 10
_LOGGED_MAX: Final = 80
_READ_MAX: Final = 400
_MASKED_FROM: Final = 3  # Shorter values, such as 1 and 0, would mask everything.
#: Quoted parts, also cut ones; words with a path, an address or an assignment; words with a digit.
_UNFIT_FOR_LOGS: Final = re.compile(r"""\S*?(?:'[^']*(?:'|\Z)|"[^"]*(?:"|\Z)|[/\\@=0-9])\S*""")


#: The panel's words for a failed SQL statement.
_PARAMETER_ERROR: Final = "PARAMETER ERROR"
#: How it begins where a parameter is missing. Which one it then names is not to be relied on: a
#: stb/edit without a MAC names the username.
_PARAMETER_MISSING: Final = f"{_PARAMETER_ERROR} ("


class Kind(StrEnum):
    """What an answer is, before any call looks at it. The values are codes for logs and probes."""

    ANSWERED = "answered"
    IP_REFUSED = "ip_refused"
    KEY_WRONG = "key_wrong"
    GATED = "line_gated"
    RATE_LIMITED = "rate_limited"
    DATABASE_DOWN = "database_down"
    NO_CONFIG = "no_config"
    SERVER_ERROR = "server_error"
    REDIRECTED = "redirected"
    EMPTY = "empty_answer"
    FOREIGN = "not_a_panel"
    UNUSABLE = "unusable_answer"


_REFUSALS: Final = {"IP FORBIDDEN": Kind.IP_REFUSED, "KEY WRONG": Kind.KEY_WRONG}
_REFUSES_US: Final = frozenset(_REFUSALS.values())
_NOT_OURS: Final = {
    Kind.IP_REFUSED: "The panel refuses the gateway's address.",
    Kind.KEY_WRONG: "The panel refuses the gateway's key.",
    Kind.REDIRECTED: "The panel's address answers with a redirect.",
    Kind.FOREIGN: "What answers at the panel's address is not a panel's API.",
    Kind.GATED: "The panel's address answers that there is no such page.",
    Kind.EMPTY: "The panel's address gives empty answers; its port may be the wrong one.",
    Kind.NO_CONFIG: "The panel says that it is not configured.",
}
_NOT_NOW: Final = {
    Kind.RATE_LIMITED: "The panel limits how often it is asked.",
    Kind.DATABASE_DOWN: "The panel's database is down.",
    Kind.SERVER_ERROR: "The panel's web server reports an error.",
    Kind.UNUSABLE: "The panel's answer is broken.",
}


def classify(answer: Answer) -> tuple[Kind, Json]:
    """Return what *answer* is and, if it is ANSWERED, its JSON object or array (else None)."""
    if answer.status != 200:
        return _kind_of_status(answer), None
    if not answer.whole or not _plain(answer.content_encoding) or not _utf8(answer.content_type):
        return Kind.UNUSABLE, None
    if not answer.body:
        return Kind.EMPTY, None
    try:
        value = json_in(answer.body)
    except NoJson as error:
        return (Kind.NO_CONFIG if error.text == "no config found" else Kind.FOREIGN), None
    except NotUsable:
        return Kind.UNUSABLE, None
    kind = _kind_of_value(value)
    return kind, value if kind is Kind.ANSWERED else None


def change_answer(answer: Answer, *, gate: bool) -> dict[str, Json]:
    """Return the object that answers a change.

    *gate*: the call names an existing line at top level, as an edit does, so the panel's firewall
    looks at it and its empty 404 means that nothing was changed.

    Raises:
        PanelMisconfigured: the panel refuses our address or key; nothing was changed.
        PanelLineGated: the firewall hides the line; nothing was changed.
        PanelOutcomeUnknown: anything else that is no JSON object.
    """
    kind, value = classify(answer)
    if kind in _REFUSES_US:
        raise PanelMisconfigured(_NOT_OURS[kind])
    if kind is Kind.GATED and gate:
        raise gated()
    if not isinstance(value, dict):
        raise unknown()
    return value


def read_answer(answer: Answer, *, gate: bool) -> Json:
    """Return the JSON object or array that answers a read; *gate* as in `change_answer`.

    Raises:
        PanelMisconfigured: it refuses us, or what answers is not a panel.
        PanelLineGated: the firewall hides the line.
        PanelUnavailable: rate limited, database down, server error or a broken answer.
    """
    kind, value = classify(answer)
    if kind is Kind.ANSWERED:
        return value
    if kind is Kind.GATED and gate:
        raise gated()
    if kind in _NOT_OURS:
        raise PanelMisconfigured(_NOT_OURS[kind])
    seconds = RATE_LIMIT_PAUSE_SECONDS if kind is Kind.RATE_LIMITED else FAULT_PAUSE_SECONDS
    raise PanelUnavailable(_NOT_NOW[kind], retry_after_seconds=seconds)


def info_answer(answer: Answer, *, gate: bool) -> dict[str, Json] | None:
    """Return the object that answers a question about one line or device; None: it is not there.

    A bare `{"result":false}` means that too: the panel's page promises no words for it.

    Raises:
        PanelUnavailable, PanelMisconfigured, PanelLineGated: no usable answer.
    """
    value = read_answer(answer, gate=gate)
    if not isinstance(value, dict):
        raise broken()
    refusal = refusal_in(value)
    if value == {"result": False} or refusal == "NOT EXISTS":
        return None
    if refusal is not None and refusal.startswith(_PARAMETER_MISSING):
        raise not_arrived()
    if not is_success(value):
        raise broken()
    return value


def refusal_in(value: dict[str, Json]) -> str | None:
    """Return the words of a definite refusal, `{"result":false,"error":"..."}` and nothing else."""
    error = value.get("error")
    if value.keys() == {"result", "error"} and value["result"] is False and isinstance(error, str):
        return error
    return None


def is_success(value: dict[str, Json]) -> bool:
    """Tell whether the panel says it did it: `result` is true and nothing contradicts.

    `error` is looked at first: lack of credits arrives with a true result.
    """
    return value.get("result") is True and "error" not in value and "0" not in value


def refused(words: str) -> PanelError:
    """Return the error for the refusal of a change in the panel's *words*.

    New words prove nothing: the outcome is unknown.
    """
    if words == _PARAMETER_ERROR:
        return PanelRefusedValues("The panel's database refused a value.")
    return not_arrived() if words.startswith(_PARAMETER_MISSING) else unknown()


def not_arrived() -> PanelMisconfigured:
    """Return the error for a parameter that we always send and the panel did not get."""
    return PanelMisconfigured("The form does not arrive at the panel; a proxy may drop it.")


def unknown() -> PanelOutcomeUnknown:
    """Return the error for a change whose answer proves nothing."""
    return PanelOutcomeUnknown("The change was sent, but the panel's answer is not usable.")


def broken() -> PanelUnavailable:
    """Return the error for a read whose answer lacks what it must have."""
    return PanelUnavailable(_NOT_NOW[Kind.UNUSABLE], retry_after_seconds=FAULT_PAUSE_SECONDS)


def gated() -> PanelLineGated:
    """Return the error for an empty 404 on a call that names a line."""
    return PanelLineGated("The panel's firewall hides this line, or refused the call.")


def shut_out(answer: Answer) -> str | None:
    """Return why no call of ours can do anything here, or None when it is not so."""
    kind = classify(answer)[0]
    return kind if kind in _REFUSES_US or kind is Kind.REDIRECTED else None


def reason(answer: Answer, sent: Iterable[str] = ()) -> str:
    """Return a few words for the log: what *answer* is, and the panel's error if it gave one.

    The error is at most 80 characters; what we *sent* is masked in it, and so are quoted parts,
    addresses, paths and numbers, since the panel's texts may name its database user.
    """
    kind, value = classify(answer)
    if kind is not Kind.ANSWERED:
        return kind
    error = value.get("error") if isinstance(value, dict) else None
    return f"{kind}: {_masked(error, sent)}" if isinstance(error, str) else str(kind)


def _kind_of_status(answer: Answer) -> Kind:
    status = answer.status
    if status == 404 and answer.whole and not answer.body and _plain(answer.content_encoding):
        return Kind.GATED
    if 300 <= status < 400:
        return Kind.REDIRECTED
    if status in {429, 503}:
        return Kind.RATE_LIMITED
    return Kind.SERVER_ERROR if status >= 500 else Kind.FOREIGN


def _kind_of_value(value: Json) -> Kind:
    if not isinstance(value, dict):
        return Kind.ANSWERED
    words = value.get("0")
    if value.keys() == {"result", "0"} and value["result"] is False and isinstance(words, str):
        return _REFUSALS.get(words, Kind.UNUSABLE)
    error = value.get("error")
    if "result" not in value and isinstance(error, str) and error.startswith("MySQL:"):
        return Kind.DATABASE_DOWN
    return Kind.ANSWERED


def _plain(content_encoding: str) -> bool:
    return content_encoding.strip().lower() in {"", "identity"}


def _utf8(content_type: str) -> bool:
    found = re.search(r"charset\s*=\s*\"?([^\s\";]*)", content_type, re.IGNORECASE)
    return found is None or found[1].lower() in {"utf-8", "utf8", "us-ascii"}


def _masked(text: str, sent: Iterable[str]) -> str:
    for value in sorted(sent, key=len, reverse=True):
        if len(value) >= _MASKED_FROM:
            text = text.replace(value, MASK)
    if len(text) > _READ_MAX:
        text = text[:_READ_MAX].rpartition(" ")[0]  # No half words, which may be half secrets.
    masked = _UNFIT_FOR_LOGS.sub(MASK, text)
    return "".join(c if c.isprintable() else " " for c in masked)[:_LOGGED_MAX]
