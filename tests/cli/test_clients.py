"""`client create`, `list`, `rotate` and `revoke`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.keys import EC, RSA

NOBODY = "rsl_" + "0" * 26


def test_a_client_is_made_listed_rotated_and_revoked(cli: Cli) -> None:
    reseller = cli.json("reseller", "add", "--name", "Ann's TV")["id"]
    operators = cli.json("client", "create", "--name", "ops")
    assert operators["reseller_id"] is None
    assert "panels:write" in operators["permissions"]
    made = cli.json(
        *("client", "create", "--reseller", reseller, "--name", "shop", "--needs-dpop"),
        *("--permission", "lines:read", "--permission", "lines:write"),
        *("--origin", "https://Shop.example", "--origin", "http://localhost:3000"),
    )
    assert made == {
        "client_id": made["client_id"],
        "name": "shop",
        "reseller_id": reseller,
        "permissions": ["lines:read", "lines:write"],
        "origins": ["https://shop.example", "http://localhost:3000"],
        "jwks": None,
        "needs_dpop": True,
        "last_used_at": None,
        "revoked_at": None,
        "client_secret": made["client_secret"],
    }
    assert made["client_secret"].startswith("xgs_")
    listed = cli.json("client", "list")["data"]
    assert [client["client_id"] for client in listed] == [
        made["client_id"],
        operators["client_id"],
    ]
    table = cli.ok("client", "list")
    assert made["client_id"] in table
    for text in (table, json.dumps(listed)):
        assert made["client_secret"] not in text
    rotated = cli.json("client", "rotate", made["client_id"], "--overlap-seconds", "60")
    assert rotated["client_secret"] not in {None, made["client_secret"]}
    assert cli.json("client", "revoke", made["client_id"])["revoked_at"] is not None
    assert "state_conflict" in cli.fails("client", "rotate", made["client_id"])


def test_a_client_is_shown_to_people_with_its_secret(cli: Cli) -> None:
    shown = cli.ok("client", "create", "--name", "shop")
    assert "client secret" in shown
    assert "xgs_" in shown


def test_a_client_with_keys_in_a_file_has_no_secret(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [EC, RSA]}))
    made = cli.json("client", "create", "--name", "shop", "--jwks", str(file))
    assert made["client_secret"] is None
    assert made["jwks"] == {"keys": [EC, RSA]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ("[" * 5000, "JSON"),
        ("{" + " " * 20_000 + "}", "16384"),
        ('{"keys": []}', "/jwks/keys"),
        (json.dumps({"keys": [EC | {"d": "pr1vate"}]}), "/jwks/keys/0/d"),
        (None, "cannot be read"),
    ],
    ids=["cut off", "a list", "deep", "long", "empty", "private", "not there"],
)
def test_a_file_without_public_keys_is_refused(
    cli: Cli, tmp_path: Path, text: str | None, words: str
) -> None:
    file = tmp_path / "jwks.json"
    if text is not None:
        file.write_text(text)
    told = cli.fails("client", "create", "--name", "shop", "--jwks", str(file))
    assert words in told
    assert "pr1vate" not in told
    assert cli.json("client", "list") == {"data": []}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("client", "create", "--name", "x", "--reseller", NOBODY), "not_found"),
        (("client", "create", "--name", "x", "--reseller", "nobody"), "rsl_"),
        (("client", "create", "--name", "x", "--permission", "lines:eat"), "lines:eat"),
        (("client", "create", "--name", "x", "--origin", "*"), "/origins/0"),
        (("client", "create", "--name", "x", *("--origin", "https://a.b") * 2), "twice"),
        (("client", "rotate", "nothing"), "cli_"),
        (("client", "rotate", "cli_" + "0" * 26), "not_found"),
        (("client", "rotate", "cli_" + "0" * 26, "--overlap-seconds", "86401"), "/overlap_seconds"),
        (("client", "revoke", "nothing"), "cli_"),
        (("client", "revoke", "cli_" + "0" * 26), "not_found"),
    ],
    ids=str,
)
def test_a_failure_is_a_sentence(cli: Cli, arguments: tuple[str, ...], word: str) -> None:
    assert word in cli.fails(*arguments)
