"""The Dockerfile keeps what it promises, as far as reading it can tell. Built: test_image.py."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gateway import __version__
from gateway.settings import NESTED, PREFIX, Settings
from tests.deploy.made import CHART, ROOT

FILE = ROOT / "Dockerfile"
TEXT = FILE.read_text(encoding="utf-8")
#: Instructions without comments, continued lines joined.
LINES = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
FINAL = LINES[max(n for n, line in enumerate(LINES) if line.startswith("FROM ")) :]


def instruction(name: str, lines: list[str] = FINAL) -> list[str]:
    """Return what each instruction of that name says, in the last stage."""
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


def test_hadolint_has_nothing_to_say(hadolint: Path) -> None:
    done = subprocess.run(
        [str(hadolint), "--no-color", "--config", str(ROOT / ".hadolint.yaml"), str(FILE)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_no_rule_of_hadolint_is_left_out() -> None:
    assert "ignore" not in (ROOT / ".hadolint.yaml").read_text(encoding="utf-8").lower()
    assert "hadolint ignore" not in TEXT.lower()


def test_the_base_is_slim_and_has_a_tag() -> None:
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(.+)$", TEXT, re.MULTILINE)
    assert re.fullmatch(r"python:3\.1[123]-slim-[a-z]+", base)
    assert {line.split()[0] for line in instruction("FROM", LINES)} == {"${PYTHON_IMAGE}"}


def test_the_image_carries_this_version() -> None:
    assert f"VERSION={__version__}" in instruction("ARG")


def test_it_runs_as_the_user_whom_the_chart_names() -> None:
    (user,) = instruction("USER")
    uid, _, gid = user.partition(":")
    helpers = (CHART / "templates" / "_helpers.tpl").read_text(encoding="utf-8")
    assert re.findall(r"runAs(?:User|Group): (\d+)", helpers) == [uid, gid]
    assert int(uid) >= 10_000


def test_it_starts_by_words_that_a_role_replaces() -> None:
    assert instruction("ENTRYPOINT") == ['["xtream-gateway"]']
    assert instruction("CMD") == ['["serve"]']


def test_its_variables_are_settings_and_none_is_a_secret() -> None:
    (variables,) = instruction("ENV")
    found = dict(word.split("=", 1) for word in variables.split() if word.startswith(PREFIX))
    assert found == {"GATEWAY_BIND": "0.0.0.0:8080", "GATEWAY_OPS_BIND": "0.0.0.0:8081"}
    assert {name.removeprefix(PREFIX).lower().split(NESTED)[0] for name in found} <= set(
        Settings.model_fields
    )


def test_packages_are_installed_by_hash_and_never_compiled() -> None:
    installs = re.findall(
        r"pip(?: --python \S+)? install.*?(?= && |$)", "\n".join(LINES), re.MULTILINE
    )
    assert len(installs) == 4
    for command in installs:
        assert "--require-hashes" in command or "--no-index" in command, command
    assert "PIP_ONLY_BINARY=:all:" in TEXT


@pytest.mark.parametrize("word", ["apt-get", "curl ", "wget ", "ADD ", "--index-url", "://"])
def test_nothing_comes_from_anywhere_else(word: str) -> None:
    assert word not in "\n".join(LINES)


def test_the_builder_gets_only_what_the_image_is_made_of() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copied = [
        word
        for line in instruction("COPY", LINES)
        if not line.startswith("--from")
        for word in line.split()[:-1]
    ]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied)
