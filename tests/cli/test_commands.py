"""The command line: what it prints for people and machines, and that it fails with a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.panels.servers import free_port
from tests.world import ENCRYPTION_KEYS

API_PASS = "p4nel-S3cret"
NOBODY = "rsl_" + "0" * 26


def test_migrating_is_safe_to_repeat_and_needed_first(empty: Cli) -> None:
    assert "migrate" in empty.fails("key", "list")
    for _ in range(2):
        assert "up to date" in empty.ok("migrate")
    assert empty.json("key", "list") == {"data": []}


def test_a_key_is_issued_listed_and_revoked(cli: Cli) -> None:
    reseller = cli.json("reseller", "add", "--name", "Ann's TV")
    assert reseller == {"id": reseller["id"], "name": "Ann's TV", "state": "active"}
    operator = cli.json("key", "issue", "--name", "ops")
    slow = cli.json("key", "issue", "--name", "slow", "--rate-limit", "600/60")
    assert (operator["rate_limit"], slow["rate_limit"]) == (None, "600/60")
    limited = cli.json(
        *("key", "issue", "--name", "shop", "--reseller", reseller["id"]),
        *("--permission", "lines:read", "--permission", "lines:write"),
    )
    assert operator["key"].startswith("xgw_")
    assert operator["reseller_id"] is None
    assert limited["permissions"] == ["lines:read", "lines:write"]
    listed = cli.json("key", "list")["data"]
    assert [key["id"] for key in listed] == [limited["id"], slow["id"], operator["id"]]
    assert not [key for key in listed if "key" in key]
    table = cli.ok("key", "list")
    assert limited["id"] in table
    assert limited["key"] not in table
    revoked = cli.json("key", "revoke", limited["id"])
    assert revoked["revoked_at"] is not None
    assert cli.json("reseller", "list") == {"data": [reseller]}


def test_more_than_a_page_is_listed_whole(cli: Cli) -> None:
    """The listing goes on until the end, not for one page."""
    for number in range(3):
        cli.ok("reseller", "add", "--name", f"R{number}")
    names = [row["name"] for row in cli.json("reseller", "list")["data"]]
    assert names == ["R2", "R1", "R0"]


def test_a_panel_is_added_without_showing_its_key_and_probed(cli: Cli) -> None:
    port = free_port()
    made = cli.json(
        *("panel", "add", "--name", "Main", "--dialect", "xtream_v2"),
        *("--base-url", f"http://127.0.0.1:{port}", "--api-pass", API_PASS),
    )
    assert made["dialect"] == "xtream_v2"
    assert cli.json("panel", "list") == {"data": [made]}
    assert API_PASS not in json.dumps(made) + cli.ok("panel", "list")
    ran = cli.run("panel", "probe", made["id"], "--json")
    assert ran.exit_code == 1, "a panel that does not answer is no success"
    assert json.loads(ran.stdout)["reachable"] is False
    assert "unreachable" in cli.run("panel", "probe", made["id"]).output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("key", "issue", "--name", "x", "--reseller", NOBODY), "not_found"),
        (("key", "issue", "--name", "x", "--reseller", "nobody"), "rsl_"),
        (("key", "issue", "--name", "x", "--permission", "lines:eat"), "lines:eat"),
        (("key", "issue", "--name", "x", "--rate-limit", "fast"), "--rate-limit must be"),
        (("key", "revoke", "nothing"), "key_"),
        (("key", "revoke", "key_" + "0" * 26), "not_found"),
        (("panel", "probe", NOBODY), "pnl_"),
        (
            ("panel", "add", "--name", "x", "--base-url", "http://h", "--dialect", "xui"),
            "xtream_v2",
        ),
        (("schema", "check", "--folder", "/nonexistent"), "schema"),
    ],
    ids=str,
)
def test_a_failure_is_a_sentence(cli: Cli, arguments: tuple[str, ...], word: str) -> None:
    assert word in cli.fails(*arguments)


def test_without_keys_or_with_wrong_settings_nothing_starts(cli: Cli) -> None:
    for arguments in (("key", "list"), ("config", "check"), ("encryption", "rotate")):
        assert "GATEWAY_ENCRYPTION_KEYS" in cli.fails(
            *arguments, env={"GATEWAY_ENCRYPTION_KEYS": ""}
        )
        assert "GATEWAY_BIND" in cli.fails(*arguments, env={"GATEWAY_BIND": "nowhere"})
        short = {"GATEWAY_ENCRYPTION_KEYS": "k1:c2hvcnQ="}
        assert "c2hvcnQ" not in cli.fails(*arguments, env=short)
        mysql = {"GATEWAY_DATABASE_URL": "mysql://u:s3cret@h/x"}
        assert "s3cret" not in cli.fails(*arguments, env=mysql)


def test_config_check_shows_everything_and_hides_secrets(cli: Cli) -> None:
    key = ENCRYPTION_KEYS.partition(":")[2]
    rows = cli.json("config", "check")
    by_name = {row["variable"]: row for row in rows["settings"]}
    assert by_name["GATEWAY_ENCRYPTION_KEYS"]["value"] == "***"
    assert by_name["GATEWAY_DATABASE_URL"]["origin"] == "GATEWAY_DATABASE_URL"
    assert by_name["GATEWAY_BIND"]["origin"] == "default"
    ran = cli.run("config", "check", env={"GATEWAY_NONSENSE": "s3cret"})
    assert ran.exit_code == 0
    assert "GATEWAY_NONSENSE" in ran.output
    assert "s3cret" not in ran.output
    assert key not in ran.output


def test_rotation_reseals_under_the_first_key_and_the_old_one_is_not_needed(cli: Cli) -> None:
    cli.json("panel", "add", "--name", "x", "--base-url", "http://h", "--api-pass", API_PASS)
    new = "new:" + "B" * 43 + "="
    cli.environ["GATEWAY_ENCRYPTION_KEYS"] = f"{new},{ENCRYPTION_KEYS}"
    assert cli.json("encryption", "rotate") == {"resealed": 1, "missed": 0}
    assert cli.json("encryption", "rotate") == {"resealed": 0, "missed": 0}
    cli.environ["GATEWAY_ENCRYPTION_KEYS"] = new
    assert [row["name"] for row in cli.json("panel", "list")["data"]] == ["x"]
    cli.environ["GATEWAY_ENCRYPTION_KEYS"] = ENCRYPTION_KEYS
    assert cli.fails("encryption", "rotate")


def test_the_published_contracts_are_written_and_checked(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "schema"
    folder.mkdir()
    assert "wrote" in cli.ok("schema", "write", "--folder", str(folder))
    cli.ok("schema", "check", "--folder", str(folder))
    document = folder / "openapi.json"
    document.write_text(document.read_text().replace("Create a line", "Make a line"))
    ran = cli.run("schema", "check", "--folder", str(folder))
    assert ran.exit_code == 1
    assert "Create a line" in ran.output
