"""The parts of the pages that are made from the code: `<!-- made: name -->` to `<!-- end -->`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import typer
from pydantic import BaseModel

import gateway.services
from gateway.api.event_schemas import NOT_SENT
from gateway.api.problems import problem_markdown
from gateway.api.rest.faults import FAULT_CODES
from gateway.api.rest.routing import Route
from gateway.api.rest.table import TABLE
from gateway.cache.events import CacheEvent
from gateway.domain.caller import OPERATOR_ONLY, Permission
from gateway.domain.events import MEANINGS, EventType
from gateway.domain.panels import Budget, FloodGuard
from gateway.identity.issuer_settings import IssuerSettings
from gateway.panels.xtream_v2 import probe
from gateway.services.action import SPEC, ActionSpec
from gateway.settings import NESTED, PREFIX, Settings
from tests.docs.pages import DOCS
from tests.permissions import fields as entrances

#: What is behind no route of the table, but needs a permission.
_ELSEWHERE: Final = {Permission.METRICS_READ: "`GET /metrics` on the API's own port"}
_LIMITS: Final = (
    ("ge", "at least {}"),
    ("gt", "more than {}"),
    ("le", "at most {}"),
    ("pattern", "`{}`"),
)


def settings_table() -> str:
    """Return every setting with default, limits and meaning."""
    rows = [
        (f"`{name}`", _code(default), limits, meaning)
        for name, default, limits, meaning in _settings(Settings(), ())
    ]
    return table(("variable", "default", "allowed", "meaning"), rows)


def _settings(part: BaseModel, path: tuple[str, ...]) -> Iterator[tuple[str, object, str, str]]:
    for name, info in type(part).model_fields.items():
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _settings(value, (*path, name))
            continue
        limits = [
            words.format(f"{found:g}" if isinstance(found, float | int) else _words_of(found))
            for attribute, words in _LIMITS
            for constraint in info.metadata
            if (found := getattr(constraint, attribute, None)) is not None
        ]
        variable = PREFIX + NESTED.join((*path, name)).upper()
        yield variable, value, ", ".join(limits), info.description or ""


def issuer_settings_table() -> str:
    """Return every member of a foreign issuer's settings."""
    rows = []
    for name, info in IssuerSettings.model_fields.items():
        default = info.get_default(call_default_factory=True)
        shown = ", ".join(default) if isinstance(default, tuple) else default
        told = "must be given" if info.is_required() else _code(shown or None)
        rows.append((f"`{name}`", told, info.description or ""))
    return table(("member", "default", "meaning"), rows)


def _words_of(pattern: str) -> str:
    return pattern.removeprefix("^(").removesuffix(")$").replace("|", "`, `")


def permissions_table() -> str:
    """Return every permission: who can hold it, and what it is needed for today."""
    rows = []
    for permission in Permission:
        used = [f"`{route.method} {route.path}`" for route in TABLE if route.needs is permission]
        used += [_ELSEWHERE[permission]] if permission in _ELSEWHERE else []
        holder = "operators" if permission in OPERATOR_ONLY else "operators, resellers"
        rows.append((f"`{permission}`", holder, ", ".join(used) or "nothing yet"))
    return table(("permission", "keys that can hold it", "needed for"), rows)


def routes_table() -> str:
    """Return every route of the REST API."""
    rows = [
        (
            f"`{route.method} {route.path}`",
            f"`{route.needs}`" if route.needs else "any key",
            _sentence(route),
        )
        for route in TABLE
    ]
    return table(("route", "permission", "what it does"), rows)


def routes_grid() -> str:
    """Return for every route what it needs, and whether storefronts may use it."""
    return _grid("route", (entrance for entrance, _ in entrances.routes()))


def fields_grid() -> str:
    """Return the same for every field at the root of GraphQL."""
    return _grid("field", entrances.fields())


def _grid(head: str, found: Iterable[entrances.Entrance]) -> str:
    rows = [
        (f"`{entrance}`", _needed(entrance.needs), "own" if entrance.for_storefronts else "")
        for entrance in found
    ]
    return table((head, "permission", "storefronts"), rows)


def _needed(permission: Permission | None) -> str:
    if permission is None:
        return "none"
    return f"`{permission}`" + (" *" if permission in OPERATOR_ONLY else "")


def _sentence(route: Route) -> str:
    return " ".join(inspect.cleandoc(route.endpoint.__doc__ or "").split("\n\n")[0].split())


def fault_codes_table() -> str:
    """Return every code that a fault in `errors` can have."""
    return table(("code", "when"), [(f"`{code}`", when) for code, when in FAULT_CODES.items()])


def actions_table() -> str:
    """Return every action that the audit log may hold."""
    rows = [
        (f"`{spec.name}`", f"`{spec.needs}`" if spec.needs else "any key")
        for spec in sorted(_actions(), key=lambda spec: spec.name)
        if spec.is_audited
    ]
    return table(("action", "permission"), rows)


def _actions() -> Iterator[ActionSpec]:
    for found in pkgutil.iter_modules(gateway.services.__path__):
        module = importlib.import_module(f"gateway.services.{found.name}")
        for value in vars(module).values():
            if hasattr(value, SPEC) and value.__module__ == module.__name__:
                yield getattr(value, SPEC)


def budget_table() -> str:
    """Return the budget of a panel that is given none."""
    budget, guard = Budget(), FloodGuard()
    rows = [
        (
            "`calls_per_second`",
            f"{budget.calls_per_second:g}",
            "calls begun a second, in the long run",
        ),
        ("`burst`", str(budget.burst), "calls that may begin at once after a quiet time"),
        ("`in_flight`", str(budget.in_flight), "calls under way at the same time"),
        ("`flood_guard.calls`", str(guard.calls), "calls in a row, before a pause is made"),
        ("`flood_guard.gap_seconds`", f"{guard.gap_seconds:g}", "a pause is longer than this"),
    ]
    return table(("member of `budget`", "default", "meaning"), rows)


def probe_warnings_table() -> str:
    """Return every warning that a probe can give, in its own words."""
    found: list[tuple[str, str]] = [
        *((str(kind), detail) for kind, detail in probe._DETAILS.items()),
        ("wrong_port", probe._WRONG_PORT),
        *((str(reason), detail) for reason, detail in probe._NO_ANSWER.items()),
    ]
    return table(("code", "detail"), [(f"`{code}`", detail) for code, detail in found])


def cache_events_table() -> str:
    """Return the values of the `event` label of the cache's counter."""
    return table(("event",), [(f"`{event.value}`",) for event in CacheEvent])


def commands_table() -> str:
    """Return every command of the command line."""
    rows = [(f"`xtream-gateway {name}`", help_of(command)) for name, command in commands().items()]
    return table(("command", "what it does"), rows)


def commands() -> dict[str, Any]:
    """Return each command by its words, such as `panel add`."""
    from gateway.cli.main import app  # noqa: PLC0415 - the other tables do without.

    return dict(_commands(typer.main.get_command(app), ()))


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield " ".join(path), command
        return
    for name, below in command.commands.items():
        yield from _commands(below, (*path, name))


def help_of(command: Any) -> str:
    """Return the sentence that `--help` shows."""
    return " ".join((command.help or "").split())


def adr_list() -> str:
    """Return a list of the decisions, from their titles."""
    lines = []
    for path in sorted((DOCS / "adr").glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"* [{title}](adr/{path.name})")
    return "\n".join(lines) + "\n"


def event_types_table() -> str:
    """Return every type of event with its meaning."""
    rows = [
        (f"`{kind.value}`", MEANINGS[kind] + (" Not sent yet." if kind in NOT_SENT else ""))
        for kind in EventType
    ]
    return table(("type", "what happened"), rows)


MADE: Final[dict[str, Callable[[], str]]] = {
    "event types": event_types_table,
    "actions": actions_table,
    "adrs": adr_list,
    "budget": budget_table,
    "cache events": cache_events_table,
    "commands": commands_table,
    "fault codes": fault_codes_table,
    "issuer settings": issuer_settings_table,
    "permissions": permissions_table,
    "permissions of fields": fields_grid,
    "permissions of routes": routes_grid,
    "probe warnings": probe_warnings_table,
    "problems": problem_markdown,
    "routes": routes_table,
    "settings": settings_table,
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [_row(head), "|" + "---|" * len(head), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(value: object) -> str:
    if value is None or value in ("", ()):
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
