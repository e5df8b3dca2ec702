"""A panel that remembers its lines and devices, and spoils the answers to one of its calls."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tests.panels.servers import page
from tests.spoiling import Json, spoilt


@dataclass
class Impostor:
    """Spoils by *seed*, each name or MAC in its own way, whatever is asked in between.

    `spoil`: the sub whose answers are spoilt; "": none. `said` and `right`: by username or MAC, the
    last body spoilt, and what it should have said.
    """

    seed: int
    spoil: str = ""
    rows: dict[str, Json] = field(default_factory=dict)
    said: dict[str, bytes] = field(default_factory=dict)
    right: dict[str, Json] = field(default_factory=dict)

    async def handle(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer a whole HTTP request."""
        head, _, body = request.partition(b"\r\n\r\n")
        query = head.split(b" ")[1].decode().partition("?")[2]
        writer.write(page(self.answer(query, body.decode())))

    def answer(self, query: str, body: str) -> bytes:
        """Return the body that answers a form."""
        form = dict(parse_qsl(query, keep_blank_values=True))
        form |= dict(parse_qsl(body, keep_blank_values=True))
        named = "username" if form["action"] == "user" else "mac"
        name = form.get(named) or form[f"user_data[{named}]"]
        right = {"create": self._create, "edit": self._edit, "info": self._info}[form["sub"]](
            name, form
        )
        if form["sub"] != self.spoil:
            return json.dumps(right).encode()
        said = spoilt(random.Random(f"{self.seed} {name}"), right)
        self.said[name], self.right[name] = said, right
        return said

    def _create(self, name: str, form: dict[str, str]) -> Json:
        is_device = form["action"] == "stb"
        row: Json = {
            "id": str(len(self.rows) + 1),
            "username": f"made{len(self.rows) + 1}",
            "password": "made",
            "member_id": None,
            "exp_date": None,
            "is_mag": "1" if is_device else "0",
            "is_e2": "0",
            "allowed_ips": "[]",
            "allowed_ua": "[]",
            "created_at": "1795600000",
            "active_cons": "0",
        } | _user_data(form)
        row.pop("mac", None)
        self.rows[name] = _with_lists(row)
        if is_device:
            return {"result": True}
        pair = {"username": row["username"], "password": row["password"]}
        return {"result": True, "created_id": int(row["id"]), **pair}

    def _edit(self, name: str, form: dict[str, str]) -> Json:
        self.rows[name] = _with_lists(self.rows[name] | _user_data(form))
        return {"result": True}

    def _info(self, name: str, form: dict[str, str]) -> Json:
        shown: Json = {"result": True, "user_info": dict(self.rows[name])}
        if form["action"] == "stb":
            shown["mag_device"] = {"mag_id": self.rows[name]["id"], "mac": name}
        return shown


def _user_data(form: dict[str, str]) -> Json:
    return {name[10:-1]: value for name, value in form.items() if name.startswith("user_data[")}


def _with_lists(row: Json) -> Json:
    """Return the row with its lists as info shows them."""
    lists = {name: row.get(name) or [] for name in ("bouquet", "allowed_ips", "allowed_ua")}
    return row | {
        name: json.loads(value) if isinstance(value, str) else value
        for name, value in lists.items()
    }
