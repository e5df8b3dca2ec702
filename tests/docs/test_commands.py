"""The commands that the pages name exist, with the options that they are given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, name_of, pages
from tests.docs.tables import commands

TARGETS = set(
    re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: What a make target reads from its command line.
VARIABLES = set(re.findall(r"\$\(([A-Z_]+)\)", (ROOT / "Makefile").read_text(encoding="utf-8")))


def shell_lines(page: Path) -> Iterator[str]:
    """Yield the commands of *page*: of its shell blocks, and of code in its text."""
    text = page.read_text(encoding="utf-8")
    for block in blocks(page):
        if block.language in {"sh", ""}:
            yield from block.text.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`((?:make|xtream-gateway) [^`]+)`", text)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_make_target_is_there(page: Path) -> None:
    for line in shell_lines(page):
        if not line.startswith("make "):
            continue
        for word in shlex.split(line, comments=True)[1:]:
            name, is_variable, _ = word.partition("=")
            assert name in (VARIABLES if is_variable else TARGETS), line


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_command_and_option_is_there(page: Path) -> None:
    known = commands()
    for line in shell_lines(page):
        found = re.search(r"xtream-gateway (?P<rest>[^|<>&)]*)", line)
        if found is None:
            continue
        words = shlex.split(found["rest"], comments=True)
        path = [" ".join(words[:count]) for count in (1, 2) if " ".join(words[:count]) in known]
        assert path, f"{name_of(page)}: {line}"
        options = {option for parameter in known[path[-1]].params for option in parameter.opts} | {
            "--help"
        }
        given = {word for word in words if word.startswith("--")}
        assert given <= options, f"{name_of(page)}: {line}"


def test_the_commands_that_are_said_to_print_json_do() -> None:
    (sentence,) = re.findall(r"`--help` what it takes\.(.*?)print JSON", README, re.DOTALL)
    groups = set(re.findall(r"`(\w+)`", sentence))
    with_json = {
        name.split()[0]: "--json" in {option for each in command.params for option in each.opts}
        for name, command in commands().items()
    }
    assert groups == {name for name, has_json in with_json.items() if has_json}


def test_the_variables_of_the_pages_are_settings_or_known_elsewhere() -> None:
    from gateway.settings import Settings, Source, shown  # noqa: PLC0415 - for this test only.

    known = {row[0] for row in shown(Settings(), Source())} | {"GATEWAY_CONFIG_FILE"}
    for page in pages():
        named = set(re.findall(r"\bGATEWAY_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
        unknown = {name for name in named if name.removesuffix("_FILE") not in known} - known
        assert not unknown, name_of(page)
