"""Thousands of malformed panel bodies through the whole service: never a 500, never a wrong 201.

A loopback server answers one call with a spoilt body and the others rightly. What a spoilt body
still says is read here by other means than the gateway's: a success is only right where nothing
that matters was spoilt.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from structlog.testing import capture_logs

from tests.e2e.support import eager, process
from tests.panels.servers import page, serving
from tests.world import World, a_world

Json = dict[str, Any]
NOTICE = b"<br />\n<b>Notice</b>:  Undefined index: x in <b>/a.php</b> on line <b>3</b><br />\n"
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**63, 1.5, "", "0", "1", "true", "\ud83d"),
    *([], {}, [[]], ["x"]),
]
BEFORE = [NOTICE, b"\xef\xbb\xbf", b"\n\n", b"x", b"<html>", b"["]
AFTER = [b" ", b"\n", b"x", b"}", b"{}", NOTICE, b"\x00"]
MEMBERS = [
    *(b'"result":true}', b'"error":"EXISTS"}', b'"error":null}', b'"0":"KEY WRONG"}'),
    *(b'"x":NaN}', b'"x":1e999}', b'"x":' + b"[" * 40 + b"]" * 40 + b"}", b"}"),
]
OTHERS = [
    *(b"", b"null", b"true", b"[]", b"{}", b"no config found", b"<html>Login</html>"),
    *(b'{"result":false}', b'{"error":"MySQL: gone"}', b'{"result":false,"0":"IP FORBIDDEN"}'),
    *(b'{"result":false,"error":"NOT EXISTS"}', b'{"result":false,"error":"EXISTS"}'),
    b'{"result":false,"error":"PARAMETER ERROR"}',
]
#: What of an info answer says whether the line is the one that was asked for.
HELD = (
    *("id", "username", "password", "exp_date", "max_connections", "bouquet", "enabled"),
    *("admin_enabled", "is_trial", "is_restreamer", "member_id", "reseller_notes", "allowed_ips"),
    "allowed_ua",
)
SWITCHES = ("enabled", "admin_enabled", "is_trial", "is_restreamer", "member_id")


@dataclass
class Impostor:
    """A panel that remembers its lines, and spoils the answers to one of its calls.

    `said` and `right`: by username, the last body spoilt, and what it should have said.
    """

    random: random.Random
    spoil: str = ""
    rows: dict[str, Json] = field(default_factory=dict)
    said: dict[str, bytes] = field(default_factory=dict)
    right: dict[str, Json] = field(default_factory=dict)

    async def handle(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        query = head.split(b" ")[1].decode().partition("?")[2]
        form = dict(parse_qsl(query, keep_blank_values=True))
        form |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        answer: Json = getattr(self, f"answer_{form['sub']}")(form)
        text = json.dumps(answer).encode()
        if form["sub"] == self.spoil:
            text = spoilt(self.random, answer)
            name = form.get("username") or form["user_data[username]"]
            self.said[name], self.right[name] = text, answer
        writer.write(page(text))

    def answer_create(self, form: dict[str, str]) -> Json:
        data = _user_data(form)
        row: Json = {
            "id": str(len(self.rows) + 1),
            "is_mag": "0",
            "is_e2": "0",
            "allowed_ips": "[]",
            "allowed_ua": "[]",
            "created_at": "1795600000",
            "active_cons": "0",
        } | data
        for name in ("bouquet", "allowed_ips", "allowed_ua"):
            row[name] = json.loads(row.get(name) or "[]")
        self.rows[data["username"]] = row
        return {
            "result": True,
            "created_id": int(row["id"]),
            "username": data["username"],
            "password": data["password"],
        }

    def answer_edit(self, form: dict[str, str]) -> Json:
        self.rows[form["username"]] |= _user_data(form)
        return {"result": True}

    def answer_info(self, form: dict[str, str]) -> Json:
        return {"result": True, "user_info": dict(self.rows[form["username"]])}


def _user_data(form: dict[str, str]) -> dict[str, str]:
    return {name[10:-1]: value for name, value in form.items() if name.startswith("user_data[")}


def spoilt(random: random.Random, answer: Json) -> bytes:
    """Return a body that is wrong in some way, or in none that matters."""
    text = json.dumps(answer).encode()
    place = random.randrange(len(text) + 1)
    ways: list[Callable[[], bytes]] = [
        lambda: text[:place],
        lambda: text[place:],
        lambda: text[:place] + bytes([random.randrange(256)]) + text[place + 1 :],
        lambda: text[:place] + random.randbytes(random.randrange(1, 9)) + text[place:],
        lambda: text + random.choice([*AFTER, text]),
        lambda: random.choice([*BEFORE, text]) + text,
        lambda: json.dumps(changed(random, answer)).encode(),
        lambda: json.dumps(changed(random, changed(random, answer))).encode(),
        lambda: text.replace(b"true", random.choice([b"1", b'"true"', b"True", b"false", b"NaN"])),
        lambda: text[:-1] + b"," + random.choice(MEMBERS),
        lambda: random.choice(OTHERS),
        lambda: random.randbytes(random.randrange(200)),
        lambda: json.dumps([answer]).encode(),
        lambda: text.decode().encode(random.choice(["utf-16", "utf-32", "utf-8-sig"])),
    ]
    return random.choice(ways)()


def changed(random: random.Random, answer: Json) -> Json:
    """Return the answer with one member replaced, renamed or gone."""
    inner = answer.get("user_info")
    if isinstance(inner, dict) and random.random() < 0.8:
        return answer | {"user_info": changed(random, inner)}
    name = random.choice(list(answer) or ["x"])
    rest = {key: value for key, value in answer.items() if key != name}
    match random.randrange(3):
        case 0:
            return rest
        case 1:
            return rest | {name.upper(): answer.get(name)}
        case _:
            return rest | {name: random.choice(ODD)}


def says_what_is_right(said: bytes, right: Json) -> bool:
    """Tell whether a body still says all that matters, judged leniently and by other code."""
    try:
        text = said.decode("utf-8-sig")
        found = json.loads(text[text.index('{"') :])
    except ValueError:
        return False
    if not isinstance(found, dict) or found.get("result") is not True or "error" in found:
        return False
    if "user_info" not in right:
        return all(str(found.get(name)) == str(value) for name, value in right.items())
    info, wanted = found.get("user_info"), right["user_info"]
    if not isinstance(info, dict):
        return False
    return all(_agree(name, info[name], wanted.get(name)) for name in HELD if name in info)


def _agree(name: str, said: Any, wanted: Any) -> bool:
    """Compare; a switch, number or note of a kind that no panel sends counts as not said."""
    if name == "reseller_notes" and not isinstance(said, str):
        return bool(wanted == "")
    if name in SWITCHES and re.fullmatch(r"-?[0-9]{1,18}|True|False", str(said)) is None:
        return True
    if name in SWITCHES and name != "member_id":
        return (_plain(said) == "") == (_plain(wanted) == "")
    return _plain(said) == _plain(wanted)


def _plain(value: Any) -> str:
    """Spell what panels spell in several ways in one: 1, "1" and true; null, 0, "" and []."""
    if isinstance(value, list | dict):
        items = value.values() if isinstance(value, dict) else value
        return ",".join(sorted(_plain(item) for item in items))
    return {"True": "1", "False": "", "None": "", "0": ""}.get(str(value), str(value))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


@asynccontextmanager
async def facing(world: World, impostor: Impostor) -> AsyncIterator[World]:
    """A process whose panel is the impostor."""
    async with serving(impostor.handle) as url, process(world, **eager(world)) as there:
        await there.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"base_url": url})
        yield there


async def run(tmp_path: Path, spoil: str, count: int) -> Counter[int]:
    """Let *count* answers be spoilt, eight at a time; return how often each status came."""
    impostor = Impostor(random.Random(len(spoil)))  # The same spoiling in every run.
    eight = asyncio.Semaphore(8 if count > 60 else 1)  # One at a time is the same every time.
    url = f"sqlite:///{tmp_path}/g.db"
    async with a_world(url) as world, facing(world, impostor) as there:

        async def create(name: str) -> tuple[str, Any]:
            async with eight:
                body = {"period": "P1M", "username": name}
                return name, await there.a.api.post("/v1/lines", body)

        async def ask(name: str, line_id: str) -> tuple[str, Any]:
            path, fresh = f"/v1/lines/{line_id}", {"Cache-Control": "no-cache"}
            async with eight:
                if spoil == "edit":
                    return name, await there.a.api.post(f"{path}/suspend")
                return name, await there.a.api.get(path, headers=fresh)

        impostor.spoil = spoil if spoil in {"create", "info"} else ""
        answers = await asyncio.gather(*(create(f"user{number}") for number in range(count)))
        if spoil in {"edit", "read"}:
            impostor.spoil = "edit" if spoil == "edit" else "info"
            lines = [(name, answer.json()["id"]) for name, answer in answers]
            answers = await asyncio.gather(*(ask(*line) for line in lines))
    for name, answer in answers:
        if name in impostor.said:
            judge(spoil, answer, impostor.said[name], impostor.right[name])
        else:  # Another's answer shut us out, and this one was not even sent.
            assert answer.status_code == 502, answer.text
    return Counter(answer.status_code for _, answer in answers)


def judge(spoil: str, answer: Any, said: bytes, right: Json) -> None:
    """Hold an answer of ours against the spoilt body that it was made of."""
    assert answer.status_code < 500 or answer.status_code in {502, 503}, (said, answer.text)
    if answer.status_code == 202:
        assert answer.json()["problem"]["code"] == "outcome_unknown"
    elif answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        if spoil in {"create", "edit"}:  # A definite refusal only in the panel's own words.
            words = (b"EXISTS", b"PARAMETER", b"FORBIDDEN", b"WRONG")
            assert any(word in said for word in words), (said, answer.text)
    elif spoil == "read":
        assert b"true" in said, (said, answer.text)
        expires_at = answer.json()["expires_at"]
        assert expires_at is None or datetime.fromisoformat(expires_at).tzinfo is not None
    else:
        assert says_what_is_right(said, right), (said, answer.text)
        assert answer.json()["state"] == ("suspended" if spoil == "edit" else "active")


@pytest.mark.parametrize("spoil", ["create", "info", "edit", "read"])
async def test_a_spoilt_answer_is_never_a_500_and_never_a_wrong_success(
    tmp_path: Path, spoil: str
) -> None:
    statuses = await run(tmp_path, spoil, 60)
    assert sum(statuses.values()) == 60
    assert len(statuses) > 1, "spoiling should make a difference"


@pytest.mark.long
@pytest.mark.parametrize("spoil", ["create", "info", "edit", "read"])
async def test_ten_thousand_spoilt_answers(tmp_path: Path, spoil: str) -> None:
    assert sum((await run(tmp_path, spoil, 2_500)).values()) == 2_500
