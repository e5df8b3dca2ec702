"""What a fault makes of an answer: failures in its place, and answers spoiled on their way."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final

from gateway.simulator.access import IP_FORBIDDEN, KEY_WRONG, database_failure
from gateway.simulator.faults import Rule
from gateway.simulator.messages import Drip, PanelAnswer, web_page
from gateway.simulator.phpjson import print_json
from gateway.simulator.switches import Switches

LOGIN_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>Login</title></head><body>"
    b'<form method="post" action="login.php"><input name="username">'
    b'<input name="password" type="password"></form></body></html>\n'
)
NOISE: Final = {
    "warning": b"<br />\n<b>Warning</b>:  Invalid argument supplied for foreach() in "
    b"<b>/home/xtreamcodes/iptv_xtream_codes/wwwdir/api.php</b> on line <b>212</b><br />\n",
    "notice": b"<br />\n<b>Notice</b>:  Undefined index: sub in "
    b"<b>/home/xtreamcodes/iptv_xtream_codes/wwwdir/api.php</b> on line <b>41</b><br />\n",
    "blank": b"\n\n",
    "bom": b"\xef\xbb\xbf",
}


def failure(rule: Rule, switches: Switches) -> PanelAnswer | None:
    """Return the answer that the rule's fault puts in place of the call's, if it does."""
    match rule.form.fault:
        case "status":
            return _status(rule)
        case "empty_200":
            return PanelAnswer(200)
        case "half_mag" if rule.half_answer != "true":
            return _half_answer(rule)
        case "refuse":
            return _refusal(rule.text("kind", "body", "text", "answer", default="IP FORBIDDEN"))
        case name:
            return _broken(name, switches)


def _broken(name: str, switches: Switches) -> PanelAnswer | None:
    match name:
        case "db_down":
            return database_failure(replace(switches, config="present", database="down"))
        case "db_auth":
            return database_failure(replace(switches, config="present", database="auth_refused"))
        case "no_config":
            return database_failure(replace(switches, config="missing"))
        case _:
            return None


def _status(rule: Rule) -> PanelAnswer:
    code = int(rule.number("code", "status", default=500))
    location = rule.text("location", default="/login.php") if code in (301, 302) else None
    if code == 200:
        answer = PanelAnswer(200, LOGIN_PAGE)
    elif code == 500:
        answer = PanelAnswer(500)
    else:
        answer = web_page(code, location=location)
    body = _own_body(rule)
    if body is not None:
        answer.body, answer.from_script = body, True
    answer.content_type = rule.text("content_type", default=answer.content_type)
    answer.headers = {str(name): str(value) for name, value in rule.table("headers").items()}
    return answer


def _own_body(rule: Rule) -> bytes | None:
    """Return the body that the rule prescribes: a text, base64, or something repeated."""
    params, made = rule.form.params, rule.table("body_gen")
    if made:
        text = str(made.get("repeat", "x")) * int(made.get("count", 1))
        return f"{made.get('prefix', '')}{text}{made.get('suffix', '')}".encode()
    if "body_base64" in params:
        return base64.b64decode(str(params["body_base64"]))
    return str(params["body"]).encode() if "body" in params else None


def _half_answer(rule: Rule) -> PanelAnswer:
    answer = PanelAnswer(500)
    if rule.half_answer == "reset":
        answer.reset_after = 0
    return answer


def _refusal(kind: str) -> PanelAnswer:
    wanted = kind.lower().replace("_", " ")
    if "key" in wanted:
        return PanelAnswer(200, print_json(KEY_WRONG).encode())
    if "html" in wanted:
        return web_page(404)
    if "404" in wanted:
        return PanelAnswer(404)
    return PanelAnswer(200, print_json(IP_FORBIDDEN).encode())


def spoil(rule: Rule, answer: PanelAnswer) -> PanelAnswer:
    """Return *answer* as the rule's fault leaves it."""
    match rule.form.fault:
        case "truncate":
            answer.truncate_after = max(0, int(rule.number("k", "bytes", "after", "k_out")))
        case "reset_at":
            answer.reset_after = max(0, int(rule.number("k_out", "k", "bytes")))
        case "php_noise":
            answer.body = _noisy(rule, answer.body)
        case "slow_drip":
            answer.drip = _drip(rule)
        case "ip_ban":
            answer.silent = not rule.form.params.get("answered")
        case "restart":
            answer.lost = True
        case _:
            pass
    return answer


def _drip(rule: Rule) -> Drip:
    rate = rule.number("bytes_per_second", "rate", "n", default=0)
    stall = rule.number("stall_after", "k", "stall", default=-1)
    if not rate and stall < 0:
        rate = 1
    return Drip(
        bytes_per_second=rate or None,
        where=rule.text("where", "part", default="both"),
        stall_after=None if stall < 0 else int(stall),
    )


def _noisy(rule: Rule, body: bytes) -> bytes:
    text = rule.form.params.get("text")
    kind = rule.text("kind", "noise", "variant", default="warning")
    noise = text.encode() if isinstance(text, str) else NOISE.get(kind, NOISE["warning"])
    where = rule.text("where", "position", default="before")
    return body + noise if where == "after" else noise + body
