"""What imports cannot say: some things are done in one place only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "gateway"


class Rule(NamedTuple):
    """A call or attribute that only some files may use, and what others use instead."""

    pattern: str
    allowed: tuple[str, ...]
    instead: str


RULES = (
    Rule("Scope(", ("services/scope.py",), "scope_of(caller) or system_scope()"),
    Rule(".commit(", ("db/store.py", "simulator/"), "database.write(scope)"),
    Rule(".begin(", ("db/store.py", "db/engine.py", "db/migrations/"), "database.write(scope)"),
    Rule(".connection(", ("db/",), "the session's own queries"),
    Rule(
        "AsyncClient(",
        ("panels/transport.py", "identity/fetching.py", "cli/following.py"),
        "the Panels port, or the Fetcher of an issuer's keys",
    ),
    Rule("AsyncHTTP11Connection(", ("webhooks/sender.py",), "the Sender port"),
    Rule(".connect_tcp(", ("webhooks/egress.py",), "the Sender port"),
    Rule(".getaddrinfo(", ("webhooks/egress.py",), "the Sender port"),
    Rule("aiosmtplib.send(", ("webhooks/mailer.py",), "the Mailer port"),
    Rule("SendingToken(", ("services/engine.py",), "services.changes.carry_out"),
    Rule("Caller(", ("domain/caller.py", "identity/"), "Caller.system(name)"),
    Rule(".identify(", ("api/auth.py", "api/oauth/", "identity/"), "api.auth.identify"),
    Rule("AuditEntry(", ("services/audit_log.py", "db/audit.py"), "action.entry(...)"),
    Rule("datetime.now(", ("domain/clock.py", "simulator/"), "the Clock port"),
    Rule("time.time(", ("domain/clock.py", "simulator/"), "the Clock port"),
    Rule("os.environ", ("settings.py",), "settings.environment()"),
    Rule("os.getenv(", (), "settings.environment()"),
)


def sources() -> list[Path]:
    return sorted(p for p in GATEWAY.rglob("*.py") if "assets" not in p.parts)


def used_in(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every call and attribute of a file in the spelling of the rules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name):
                    yield f"{name}(", node.lineno
                case ast.Attribute(value=ast.Name(id=owner), attr=name):
                    yield f"{owner}.{name}(", node.lineno
                    yield f".{name}(", node.lineno
                    yield f"{name}(", node.lineno
                case ast.Attribute(attr=name):
                    yield f".{name}(", node.lineno
                    yield f"{name}(", node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}", node.lineno


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern)
def test_it_is_done_in_its_place_only(rule: Rule) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {rule.pattern} - use {rule.instead}"
        for path in sources()
        if not path.relative_to(GATEWAY).as_posix().startswith(rule.allowed or ("-",))
        for found, line in used_in(path)
        if found == rule.pattern
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Scope('/')", "Scope("),
        ("scope.Scope('/')", "Scope("),
        ("session.commit()", ".commit("),
        ("self.session.commit()", ".commit("),
        ("datetime.now(UTC)", "datetime.now("),
        ("os.environ['X']", "os.environ"),
    ],
)
def test_the_rules_see_what_they_forbid(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "example.py"
    path.write_text(text, encoding="utf-8")
    assert found in {name for name, _ in used_in(path)}


def compares_a_secret(node: ast.AST) -> bool:
    """Tell whether *node* compares a revealed secret, which takes longer the more is right."""
    if not isinstance(node, ast.Compare) or not isinstance(
        node.ops[0], ast.Eq | ast.NotEq | ast.In
    ):
        return False
    return any(
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in {"reveal", "get_secret_value"}
        for part in (node.left, *node.comparators)
    )


def test_no_revealed_secret_is_compared() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: use Secret.equals"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if compares_a_secret(node) and isinstance(node, ast.Compare)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("text", ["a == b.reveal()", "a.reveal() != b", "a.reveal() in b"])
def test_the_rule_sees_a_compared_secret(text: str) -> None:
    assert any(compares_a_secret(node) for node in ast.walk(ast.parse(text)))
