"""Answers that prove nothing about a change, whatever it was, and answers that refuse it."""

from __future__ import annotations

import json

from gateway.panels.dialect import Answer
from tests.panels.makers import an_answer

NGINX = "<html>\r\n<head><title>404 Not Found</title></head>\r\n</html>\r\n"
LOGIN = "<!DOCTYPE html><html><body><form>Login</form></body></html>"
NOTICE = "<br />\n<b>Notice</b>:  Undefined index: x in <b>/home/x.php</b> on line <b>3</b><br />\n"
CREATED = '{"result":true,"created_id":14,"username":"bob","password":"pw1"}'
EVERY_CHANGE_UNKNOWN: dict[str, Answer] = {
    "empty": an_answer(),
    "login page": an_answer(LOGIN),
    "login page before a success": an_answer(LOGIN + '\n{"result":true}'),
    "fatal error before a success": an_answer("Fatal error: x\n" + CREATED),
    "text before a success": an_answer("ok\n" + CREATED),
    "text after": an_answer(CREATED + "x"),
    "notice after": an_answer(CREATED + NOTICE),
    "two objects": an_answer(CREATED + CREATED),
    "array": an_answer("[]"),
    "array around": an_answer(f"[{CREATED}]"),
    "bare true": an_answer("true"),
    "no config": an_answer("no config found"),
    "database down": an_answer('{"error":"MySQL: Connection refused"}'),
    "new refusal": an_answer('{"result":false,"error":"SOMETHING NEW"}'),
    "new refusal of us": an_answer('{"result":false,"0":"SOMETHING NEW"}'),
    "error that is no text": an_answer('{"result":false,"error":["EXISTS"]}'),
    "refusal with a row": an_answer('{"result":false,"error":"EXISTS","created_id":5}'),
    "error with true": an_answer(CREATED[:-1] + ',"error":"EXISTS"}'),
    "empty error with true": an_answer(CREATED[:-1] + ',"error":null}'),
    "refusal of us with true": an_answer(CREATED[:-1] + ',"0":"KEY WRONG"}'),
    "result 1": an_answer(CREATED.replace("true", "1")),
    "result text": an_answer(CREATED.replace("true", '"true"')),
    "result null": an_answer(CREATED.replace("true", "null")),
    "result twice": an_answer(CREATED[:-1] + ',"result":true}'),
    "NaN": an_answer(CREATED[:-1] + ',"x":NaN}'),
    "infinity": an_answer(CREATED[:-1] + ',"x":1e999}'),
    "huge number": an_answer(CREATED[:-1] + ',"x":' + "9" * 5000 + "}"),
    "half a character": an_answer(CREATED[:-1] + r',"x":"\ud800"}'),
    "deep": an_answer(CREATED[:-1] + ',"x":' + "[" * 10_000 + "]" * 10_000 + "}"),
    "deep and open": an_answer("[" * 10_000),
    "cut": an_answer(CREATED[:-1]),
    "latin-1 bytes": an_answer(CREATED.encode() + b"\xff"),
    "utf-16": an_answer(CREATED.encode("utf-16")),
    "another charset": an_answer(CREATED, content_type="text/html; charset=windows-1251"),
    "gzip": an_answer(CREATED, content_encoding="gzip"),
    "more than we read": an_answer(CREATED, whole=False),
    "404 with a page": an_answer(NGINX, status=404),
    "404 with a blank": an_answer(" ", status=404),
    "404 encoded": an_answer("", status=404, content_encoding="gzip"),
    **{
        f"status {status}": an_answer(body, status=status)
        for status in (201, 204, 301, 302, 400, 401, 403, 413, 429, 500, 502, 503, 504)
        for body in (CREATED,)
    },
}


def a_refusal(words: str) -> Answer:
    return an_answer(json.dumps({"result": False, "error": words}))
