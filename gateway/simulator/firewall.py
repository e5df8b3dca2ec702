"""The request firewall: only pairs of username and password with a token get to the script.

A daemon writes a token for every active line at each pass; a token of a line that is no longer
active ages, and a sweep removes those that are too old. Nothing runs in the background here: as
lines only change through the table, all passes since the last look can be worked out when
somebody looks, or just before a line changes. So the result is the same under any clock.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Final

from gateway.simulator.php import PhpArray, bytes_of, is_empty
from gateway.simulator.switches import Switches
from gateway.simulator.tables import Row

SHORTEST_PERIOD: Final = 0.001


class Firewall:
    """Tokens of lines that may be asked for; anything else is 404 before the script begins."""

    def __init__(self, started: float) -> None:
        self.tokens: dict[str, float] = {}
        """Each token with the moment it was last written."""
        self.blacklist: set[str] = set()
        self._started = started
        self._passed = self._swept = self._cleared = -math.inf

    def clear(self, now: float) -> None:
        """Forget everything; passes are counted from now."""
        self.tokens.clear()
        self.blacklist.clear()
        self._started = now
        self._passed = self._swept = self._cleared = -math.inf

    def refuses(self, raw: PhpArray) -> bool:
        """Tell whether a request with these uncleaned parameters is turned away."""
        username, password = raw.get("username"), raw.get("password")
        if is_empty(username) or is_empty(password):
            return False
        if not isinstance(username, str) or not isinstance(password, str):
            return False
        token = token_of(username, password)
        return token in self.blacklist or token not in self.tokens

    def catch_up(self, now: float, lines: Iterable[Row], switches: Switches) -> None:
        """Do what the daemon did since the last time, lines having been the same since then."""
        last = self._latest(now, switches.firewall_token_pass)
        if last > self._passed:
            self._write_tokens(last, lines, switches.firewall_token_pass)
            self._passed = last
        sweep = self._latest(now, switches.firewall_sweep_every)
        if sweep > self._swept:
            oldest = sweep - switches.firewall_sweep
            self.tokens = {token: at for token, at in self.tokens.items() if at >= oldest}
            self._swept = sweep
        cleared = self._latest(now, switches.firewall_blacklist_seconds)
        if cleared > self._cleared:
            if self._cleared > -math.inf:
                self.blacklist.clear()
            self._cleared = cleared

    def _write_tokens(self, last: float, lines: Iterable[Row], every: float) -> None:
        for line in lines:
            if line["enabled"] != 1 or line["admin_enabled"] != 1:
                continue
            written, expiry = last, line["exp_date"]
            if isinstance(expiry, int) and expiry <= last:
                written = self._latest(expiry, every)
                written -= every if written == expiry else 0
            if written > self._passed and written >= self._started:
                token = token_of(str(line["username"]), str(line["password"]))
                self.tokens[token] = max(written, self.tokens.get(token, written))

    def _latest(self, moment: float, every: float) -> float:
        """Return the last moment up to *moment* at which something done *every* so often is."""
        every = max(every, SHORTEST_PERIOD)
        return self._started + math.floor((moment - self._started) / every) * every


def token_of(username: str, password: str) -> str:
    """Return the token of a pair: both run together, in lower case."""
    joined = bytes_of(username + password).lower()
    return hashlib.md5(joined, usedforsecurity=False).hexdigest()
