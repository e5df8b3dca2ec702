"""Puts what is there in place of what was made up, so that requests get somewhere.

What was valid stays valid, and what was not stays as it is. What is put where hangs on the request
and on whether its route has had a success, not on chance.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.fuzz.brief import Brief, unknown

ID: Final = re.compile(r"(?P<prefix>[a-z]{2,4})_[0-9a-z]{26}")
EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
PLAIN_URL: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/.*)?", re.DOTALL)
TERMS: Final = ("expires_at", "period", "never_expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """For one request. `text` is all of it; `ends` tells that it leaves nothing of use behind.

    `must_hit`: its route has had no success yet.
    """

    brief: Brief
    text: str
    is_valid: bool
    ends: bool
    must_hit: bool
    shown: frozenset[str] | set[str]

    def at_path(self, name: str, value: Any) -> Any:
        """Return what should stand in the path."""
        if name == "external_id":
            return self._external_id(value)
        if self.brief.foreign:
            return _foreign(value, self.brief.foreign)
        if not self.ends:
            return self.known(value)
        if value in (*self.brief.ids.values(), *self.brief.kept):
            return self.brief.spare.get(value.partition("_")[0], value)
        return self.known(value, {**self.brief.ids, **self.brief.spare})

    def within(self, value: Any, name: str = "") -> Any:
        """Return a body or a part of one, or of a query, with ids that lead somewhere."""
        if isinstance(value, dict):
            return {inner: self.within(it, inner) for inner, it in value.items()}
        if isinstance(value, list):
            return [self.within(it) for it in value]
        return self._panel_url(value) if name == "base_url" else self.known(value)

    def known(self, value: Any, ids: Mapping[str, str] | None = None) -> Any:
        """Return an id of the same sort that is there, mostly; other panels may be of any sort."""
        among = self.brief.ids if ids is None else ids
        match = ID.fullmatch(value) if isinstance(value, str) else None
        if match is None or match["prefix"] not in among or value in among.values():
            return value
        if value in self.shown and match["prefix"] != "pnl":
            return value
        return among[match["prefix"]] if self.mostly(value) else value

    def sensible(self, body: dict[str, Any], *, own_name: bool) -> dict[str, Any]:
        """Keep the rules that a schema cannot say: one term, a panel, and a put renames nothing."""
        kept = {name: it for name, it in body.items() if name not in {*TERMS, "extra", "plan_id"}}
        if own_name:
            kept.pop("external_id", None)
            known = self.brief.looked_up_by
            kept |= {name: it for name, it in known.items() if kept.get(name) is not None}
        if self.brief.acts_for:
            kept["reseller_id"] = self.brief.acts_for
        return kept | {"period": "P1M", "panel_id": self.brief.ids["pnl"]}

    def mostly(self, what: str) -> bool:
        """Tell three times in four that it is so, and always where it must be."""
        return self.must_hit or self.number(what) % 4 != 0

    def number(self, what: str) -> int:
        """Return a number that hangs on the request and on *what*."""
        return zlib.crc32(f"{what} {self.text}".encode(errors="surrogatepass"))

    def _external_id(self, value: Any) -> Any:
        if not isinstance(value, str) or not EXTERNAL_ID.fullmatch(value):
            return value
        foreign = self.brief.foreign_external_id
        if foreign:
            return value if value == unknown(foreign) else foreign
        own = self.brief.external_id
        return own if own and self.mostly(value) else value

    def _panel_url(self, value: Any) -> Any:
        """Let no panel be elsewhere; what is wrong stays, and is refused."""
        usable = isinstance(value, str) and (self.is_valid or PLAIN_URL.fullmatch(value))
        return self.brief.panel_url if usable else value


def _foreign(value: Any, ids: Mapping[str, str]) -> Any:
    """Return the other's id of the same sort, always; the unknown one is asked on purpose."""
    match = ID.fullmatch(value) if isinstance(value, str) else None
    if match is None or match["prefix"] not in ids:
        return value
    foreign = ids[match["prefix"]]
    return value if value == unknown(foreign) else foreign
