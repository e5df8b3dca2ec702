"""What is behind a panel's address: found out by a few reads, nothing is changed.

Facts: server/list answers an array, or a refusal in this dialect's words; a panel that knows only
the documented calls answers it empty. stb/info without a MAC is refused in this dialect's words by
every panel that speaks it. reg_user/list shows that credits can be read. user/info of a line that
cannot exist is NOT EXISTS, or an empty 404 where the request firewall is on.
"""

from __future__ import annotations

from typing import Final

from gateway.domain.errors import PanelUnavailable
from gateway.domain.panels import Panel, ProbeWarning
from gateway.panels.dialect import Answer, Ask, Findings, Reason, TransportFault
from gateway.panels.xtream_v2.answers import Kind, classify

NAME: Final = "xtream_v2"

#: A pair that no line has: longer than the gateway makes or takes one.
NOBODY: Final = "xgw.probe.nobody." + "0" * 63

_DETAILS: Final = {
    Kind.IP_REFUSED: "The panel refuses the gateway's address: add it to the panel's API "
    "addresses, a comma list without blanks.",
    Kind.KEY_WRONG: "The panel refuses the api_pass that is set here.",
    Kind.RATE_LIMITED: "The panel limits how often it is asked: lower the budget.",
    Kind.DATABASE_DOWN: "The panel cannot reach its database.",
    Kind.NO_CONFIG: "The panel says that it is not configured.",
    Kind.SERVER_ERROR: "The panel's web server answers with an error.",
    Kind.REDIRECTED: "The address redirects: it is a login page, or wants https.",
    Kind.FOREIGN: "A web server answers, but no panel: the path or the host is wrong, or the "
    "panel speaks another dialect.",
    Kind.UNUSABLE: "The answer is broken.",
}
_KEY_MISSING: Final = "The panel wants an api_pass, and none is set here."
_WRONG_PORT: Final = (
    "The address gives empty answers: it is the port of the panel's web pages or of its clients."
)
_NO_ANSWER: Final = {
    Reason.UNREACHABLE: "No connection: the host is unknown, or refuses.",
    Reason.CONNECT_TIMED_OUT: "No connection: something drops our packets. If it worked before, "
    "the panel may have banned the gateway's address.",
    Reason.TLS_FAILED: "The connection could not be secured: see the panel's tls setting.",
    Reason.TIMED_OUT: "Connected, but no answer in time.",
    Reason.BROKEN_OFF: "Connected, but the answer was broken off; the port may want https.",
}


async def probe(ask: Ask, panel: Panel) -> Findings:
    """Return what is behind the panel's address, in at most four calls; never raises."""
    try:
        return await _probe(ask, panel)
    except TransportFault as fault:
        return _unreachable(fault.reason, _NO_ANSWER[fault.reason])
    except PanelUnavailable:
        return _unreachable("busy", "The panel's budget was used up; probe it again later.")


async def _probe(ask: Ask, panel: Panel) -> Findings:
    kind, _ = classify(await ask("server", "list", ()))
    if kind in {Kind.IP_REFUSED, Kind.KEY_WRONG}:
        return Findings(reachable=True, dialect=NAME, warnings=(_warning(kind, panel),))
    if kind not in {Kind.ANSWERED, Kind.EMPTY}:
        return Findings(reachable=True, warnings=(_warning(kind, panel),))
    if not _speaks_our_words(await ask("stb", "info", ())):
        code = "wrong_port" if kind is Kind.EMPTY else str(Kind.FOREIGN)
        detail = _WRONG_PORT if kind is Kind.EMPTY else _DETAILS[Kind.FOREIGN]
        return Findings(reachable=True, warnings=(ProbeWarning(code=code, detail=detail),))
    return Findings(
        reachable=True,
        dialect=NAME,
        credits=_shows_credits(await ask("reg_user", "list", ())),
        firewall=_has_firewall(
            await ask("user", "info", (("username", NOBODY), ("password", NOBODY)))
        ),
    )


def _speaks_our_words(answer: Answer) -> bool:
    kind, value = classify(answer)
    return kind is Kind.ANSWERED and isinstance(value, dict) and value.get("result") is False


def _shows_credits(answer: Answer) -> bool | None:
    kind, value = classify(answer)
    if kind is Kind.EMPTY:
        return False  # The panel has no such call.
    if kind is not Kind.ANSWERED or not isinstance(value, list):
        return None
    return all(isinstance(account, dict) and "credits" in account for account in value)


def _has_firewall(answer: Answer) -> bool | None:
    kind, value = classify(answer)
    if kind is Kind.GATED:
        return True
    refused = isinstance(value, dict) and value.get("result") is False
    return False if kind is Kind.ANSWERED and refused else None


def _warning(kind: Kind, panel: Panel) -> ProbeWarning:
    if kind is Kind.GATED:
        kind = Kind.FOREIGN  # No line was named, so this 404 is not the panel's firewall.
    if kind is Kind.KEY_WRONG and panel.api_pass is None:
        return ProbeWarning(code=kind, detail=_KEY_MISSING)
    return ProbeWarning(code=kind, detail=_DETAILS[kind])


def _unreachable(code: str, detail: str) -> Findings:
    return Findings(reachable=False, warnings=(ProbeWarning(code=code, detail=detail),))
