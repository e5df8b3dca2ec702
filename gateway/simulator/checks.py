"""Questions to the ledger: did the gateway keep its promises, and was the panel honest?

Each takes records and returns plain values that JSON can hold. All are served at once by
`GET /ledger/checks`.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any, Final

from gateway.simulator.actions.devices import shown_mac
from gateway.simulator.actions.others import two_decimals
from gateway.simulator.collation import sort_key
from gateway.simulator.ledger import Record
from gateway.simulator.php import to_float
from gateway.simulator.phpforms import clean, read_variables, split_pairs
from gateway.simulator.tables import Effect
from gateway.simulator.verdict import has_effect, told

WRITES: Final = ("create", "edit", "credits")
CALL_FIELDS: Final = ("action", "sub", "api_pass")


def rows_per_username(records: Iterable[Record]) -> dict[str, list[int]]:
    """Return the ids of all lines that ever had a username, by the username as compared."""
    return _rows_ever(records, "users", "username", sort_key)


def rows_per_mac(records: Iterable[Record]) -> dict[str, list[int]]:
    """Return the ids of all devices that ever had a MAC."""
    return _rows_ever(records, "mag_devices", "mac", lambda stored: shown_mac(stored).upper())


def _rows_ever(
    records: Iterable[Record], table: str, column: str, key: Callable[[str], str]
) -> dict[str, list[int]]:
    found: dict[str, dict[int, None]] = defaultdict(dict)
    for effect in _effects(records):
        if (effect.table, effect.column) == (table, column) and effect.after is not None:
            found[key(str(effect.after))][effect.id] = None
    return {name: list(ids) for name, ids in found.items()}


def _effects(records: Iterable[Record]) -> Iterable[Effect]:
    for record in records:
        yield from record.effects
        yield from record.outside


def effects_without_answer(records: Iterable[Record]) -> list[int]:
    """Return the requests that changed something and whose callers were not told so."""
    return [r.seq for r in records if r.matched is False and has_effect(r) and not _was_told(r)]


def answers_without_effect(records: Iterable[Record]) -> list[int]:
    """Return the requests whose callers were told of a success that is not, or not whole."""
    return [r.seq for r in records if r.matched is False and _was_told(r)]


def _was_told(record: Record) -> bool:
    return record.status == 200 and record.gone_at is None and told(record.answer) is True


def credit_sums(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Compare, for each account, how its balance moved with what callers were told of."""
    changed: dict[str, float] = defaultdict(float)
    answered: dict[str, float] = defaultdict(float)
    for record in records:
        for effect in record.effects:
            if (effect.table, effect.column) == ("reg_users", "credits"):
                moved = float(effect.after or 0) - float(effect.before or 0)
                changed[f"account:{effect.id}"] += moved
        if (record.action, record.sub) == ("reg_user", "credits") and _was_told(record):
            for subject in record.subjects:
                answered[subject] += _amount(record)
    return {
        account: {
            "changed": round(changed[account], 2),
            "answered": round(answered[account], 2),
            "agree": round(changed[account] - answered[account], 2) == 0,
        }
        for account in sorted(changed.keys() | answered.keys())
    }


def _amount(record: Record) -> float:
    query = read_variables(split_pairs(record.query.encode()))
    params = clean(query) | clean(read_variables(split_pairs(record.body.encode())))
    return float(two_decimals(to_float(params.get("amount"))))


def in_flight(records: Iterable[Record], *, writes_only: bool = False) -> dict[str, int]:
    """Return, for each line, device or account, how many calls there were at once at most."""
    moments: list[tuple[int, int, str]] = []
    for record in records:
        if writes_only and record.sub not in WRITES:
            continue
        for subject in record.subjects:
            moments.append((record.began, 1, subject))
            if record.ended is not None:
                moments.append((record.ended, -1, subject))
    now: Counter[str] = Counter()
    most: dict[str, int] = {}
    for _, step, subject in sorted(moments):
        now[subject] += step
        most[subject] = max(most.get(subject, 0), now[subject])
    return most


def calls_per_window(records: Iterable[Record], seconds: float) -> dict[str, int]:
    """Return, for each caller, how many calls came within *seconds* at most."""
    recent: dict[str, deque[float]] = defaultdict(deque)
    most: dict[str, int] = {}
    for record in records:
        times = recent[record.caller]
        times.append(record.at)
        while times[0] <= record.at - seconds:
            times.popleft()
        most[record.caller] = max(most.get(record.caller, 0), len(times))
    return most


def longest_close_run(records: Iterable[Record], seconds: float = 2) -> dict[str, int]:
    """Return, for each caller, how many calls in a row came at gaps of at most *seconds*."""
    before: dict[str, float] = {}
    run: Counter[str] = Counter()
    most: dict[str, int] = {}
    for record in records:
        is_close = record.at - before.get(record.caller, -seconds * 2) <= seconds
        run[record.caller] = run[record.caller] + 1 if is_close else 1
        before[record.caller] = record.at
        most[record.caller] = max(most.get(record.caller, 0), run[record.caller])
    return most


def foreign_fields(records: Iterable[Record], allowed: Iterable[str]) -> list[dict[str, Any]]:
    """Return the requests with a parameter outside *allowed* (`*` is a wildcard)."""
    known = (*CALL_FIELDS, *allowed)
    found = []
    for record in records:
        foreign = [n for n in record.fields if not any(_fits(n, one) for one in known)]
        if foreign:
            found.append({"seq": record.seq, "fields": foreign})
    return found


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.replace("[", "("), pattern.replace("[", "("))


def while_banned(records: Iterable[Record]) -> list[int]:
    """Return the requests that were made although their caller was banned."""
    return [record.seq for record in records if record.banned]


def bans(records: Iterable[Record]) -> list[int]:
    """Return the requests that brought a ban."""
    return [record.seq for record in records if record.brought_ban]


def statuses(records: Iterable[Record]) -> dict[str, int]:
    """Return how many answers there were of each status; `none` for no answer."""
    return dict(Counter(str(record.status or "none") for record in records))


def report(
    records: list[Record], *, window: float = 1, allowed: Iterable[str] | None = None
) -> dict[str, Any]:
    """Return all of it; foreign fields only when told what is allowed."""
    found: dict[str, Any] = {
        "records": len(records),
        "statuses": statuses(records),
        "rows_per_username": rows_per_username(records),
        "rows_per_mac": rows_per_mac(records),
        "effects_without_answer": effects_without_answer(records),
        "answers_without_effect": answers_without_effect(records),
        "credits": credit_sums(records),
        "in_flight": {name: n for name, n in in_flight(records).items() if n > 1},
        "writes_in_flight": {
            name: n for name, n in in_flight(records, writes_only=True).items() if n > 1
        },
        "calls_per_window": calls_per_window(records, window),
        "longest_close_run": longest_close_run(records),
        "bans": bans(records),
        "while_banned": while_banned(records),
    }
    if allowed is not None:
        found["foreign_fields"] = foreign_fields(records, allowed)
    return found
