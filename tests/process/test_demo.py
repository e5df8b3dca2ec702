"""`make run`: ready with printed examples that work, and the same data after any end."""

from __future__ import annotations

import json
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping

import httpx2
import pytest

from tests.process.conftest import DemoProcess, run_gateway

NEW = {"period": "P1M", "username": "anna", "external_id": "shop-1"}


def lines_of(demo: DemoProcess) -> list[dict[str, object]]:
    key = demo.described["resellers"][0]["key"]
    answer = httpx2.get(
        f"{demo.described['base_url']}/v1/lines", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["data"]
    return found


def create(demo: DemoProcess, body: Mapping[str, object]) -> httpx2.Response:
    key = demo.described["resellers"][0]["key"]
    return httpx2.post(
        f"{demo.described['base_url']}/v1/lines",
        json=body,
        headers={"Authorization": f"Bearer {key}"},
    )


def users_of(demo: DemoProcess) -> list[dict[str, object]]:
    answer = httpx2.get(f"{demo.described['panel_control_url']}/tables/users")
    found: list[dict[str, object]] = answer.json()["rows"]
    return found


def test_the_printed_example_works_as_pasted(demo: DemoProcess) -> None:
    demo.start()
    output = demo.output.read_text()
    described = demo.described
    assert described["pid"] == demo.process.pid if demo.process else False
    for text in (described["base_url"], described["operator_key"], described["panel_url"]):
        assert text in output
    example = re.search(r"curl -sS \S+/v1/lines(?:.*\\\n)+.*", output)
    assert example is not None
    curl = shutil.which("curl")
    assert curl is not None, "the printed example needs curl"
    for _ in range(2):
        ran = subprocess.run(
            ["/bin/sh", "-c", example.group()], capture_output=True, text=True, check=True
        )
        assert json.loads(ran.stdout)["external_id"] == "order-4711"
    assert len(users_of(demo)) == 1
    assert demo.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_data_survives_every_end(demo: DemoProcess, number: signal.Signals) -> None:
    demo.start()
    assert create(demo, NEW).status_code == 201
    before = demo.described
    demo.stop(number)
    demo.start()
    after = demo.described
    assert after | {"pid": 0} == before | {"pid": 0}
    assert [line["username"] for line in lines_of(demo)] == ["anna"]
    assert [row["username"] for row in users_of(demo)] == ["anna"]
    again = create(demo, NEW)
    assert again.status_code == 409, again.text


def test_fresh_starts_from_empty(demo: DemoProcess) -> None:
    demo.start()
    assert create(demo, NEW).status_code == 201
    before = demo.described
    demo.stop()
    demo.start("--fresh")
    assert lines_of(demo) == []
    assert users_of(demo) == []
    assert demo.described["operator_key"] != before["operator_key"]


def test_a_taken_port_is_named(demo: DemoProcess) -> None:
    demo.start()
    for name in ("port", "panel-port", "control-port", "ops-port"):
        other = DemoProcess(demo.var.with_name("other"))
        other.ports[name] = demo.ports[name]
        ran = run_gateway(*other.command()[1:])
        assert ran.returncode == 1
        assert str(demo.ports[name]) in ran.stderr
        assert "Traceback" not in ran.stderr


def test_its_files_are_private_and_its_log_holds_no_secret(demo: DemoProcess) -> None:
    demo.start(env={"GATEWAY_LOG_LEVEL": "debug"})
    body = NEW | {"password": "s3cret-Pass"}
    line = create(demo, body).json()
    key = demo.described["resellers"][0]["key"]
    headers = {"Authorization": f"Bearer {key}"}
    base = demo.described["base_url"]
    made = httpx2.post(f"{base}/v1/keys", json={"name": "x"}, headers=headers).json()["key"]
    rotated = httpx2.post(f"{base}/v1/lines/{line['id']}/rotate-password", headers=headers).json()
    demo.stop()
    for name in ("demo.env", "demo.json", "seed.json", "encryption.key"):
        mode = stat.S_IMODE((demo.var / name).stat().st_mode)
        assert mode == stat.S_IRUSR | stat.S_IWUSR, name
    log = demo.output.read_text()
    encryption_key = (demo.var / "encryption.key").read_text().strip().split(":", 1)[1]
    for secret in ("s3cret-Pass", made, rotated["password"], encryption_key):
        assert secret not in log
    requests = [json.loads(text) for text in log.splitlines() if '"request.done"' in text]
    assert {"/v1/lines", "/v1/keys"} <= {entry["route"] for entry in requests}
    for name in ("gateway.db", "gateway.db-wal"):
        if (demo.var / name).exists():
            assert b"s3cret-Pass" not in (demo.var / name).read_bytes()


def test_health_and_metrics_are_on_the_operations_port(demo: DemoProcess) -> None:
    demo.start()
    create(demo, NEW)
    base, ops = demo.described["base_url"], demo.described["ops_url"]
    for url in (base, ops):
        assert httpx2.get(f"{url}/livez").status_code == 200
        assert httpx2.get(f"{url}/readyz").status_code == 200
    metrics = httpx2.get(f"{ops}/metrics").text
    assert 'gateway_operations_total{kind="line.create",state="succeeded"} 1.0' in metrics
    assert "gateway_panel_calls_total" in metrics
    assert httpx2.get(f"{base}/metrics").status_code == 401
    assert httpx2.get(f"{ops}/v1/lines").status_code == 404


def test_the_command_line_works_on_the_same_state(demo: DemoProcess) -> None:
    demo.start()
    made = json.loads(demo.run("reseller", "add", "--name", "Shop", "--json").stdout)
    issued = json.loads(
        demo.run("key", "issue", "--reseller", made["id"], "--name", "billing", "--json").stdout
    )
    base = demo.described["base_url"]
    headers = {"Authorization": f"Bearer {issued['key']}"}
    me = httpx2.get(f"{base}/v1/me", headers=headers).json()
    assert (me["kind"], me["reseller_id"]) == ("reseller", made["id"])
    listed = json.loads(demo.run("key", "list", "--json").stdout)["data"]
    assert issued["id"] in {key["id"] for key in listed}
    assert "billing" in demo.run("key", "list").stdout
    assert demo.run("key", "revoke", issued["id"]).returncode == 0
    assert httpx2.get(f"{base}/v1/me", headers=headers).status_code == 401
    panel = json.loads(
        demo.run(
            *("panel", "add", "--name", "Second", "--dialect", "xtream_v2", "--json"),
            *("--base-url", demo.described["panel_url"], "--api-pass", "s3cret-Pass"),
        ).stdout
    )
    assert "s3cret-Pass" not in json.dumps(panel)
    probe = json.loads(demo.run("panel", "probe", panel["id"], "--json").stdout)
    assert probe["reachable"] is True
    assert probe["dialect"] == "xtream_v2"
    rotated = demo.run("encryption", "rotate", "--json")
    assert rotated.returncode == 0, rotated.stderr
    checked = demo.run("config", "check")
    assert checked.returncode == 0
    assert demo.environment()["GATEWAY_ENCRYPTION_KEYS"] not in checked.stdout


def test_a_failing_command_says_why_and_is_not_zero(demo: DemoProcess) -> None:
    demo.start()
    for arguments, word in (
        (("key", "issue", "--reseller", "rsl_" + "0" * 26, "--name", "x"), "not_found"),
        (("key", "issue", "--reseller", "nobody", "--name", "x"), "rsl_"),
        (("key", "issue", "--name", "x", "--permission", "lines:eat"), "lines:eat"),
        (("key", "revoke", "key_" + "0" * 26), "not_found"),
        (("panel", "probe", "pnl_" + "0" * 26), "not_found"),
    ):
        ran = demo.run(*arguments)
        assert ran.returncode == 1, arguments
        assert word in ran.stderr
        assert "Traceback" not in ran.stderr


def test_nothing_starts_without_encryption_keys() -> None:
    for command in (("serve",), ("work",), ("config", "check"), ("key", "list")):
        ran = run_gateway(*command)
        assert ran.returncode == 1, command
        assert "GATEWAY_ENCRYPTION_KEYS" in ran.stderr


def test_wrong_settings_are_told_all_at_once() -> None:
    ran = run_gateway(
        "config",
        "check",
        env={
            "GATEWAY_BIND": "nowhere",
            "GATEWAY_CHANGE_DEADLINE_SECONDS": "soon",
            "GATEWAY_PANELS__SETTLE_SECONDS": "0",
        },
    )
    assert ran.returncode == 1
    for name in (
        "GATEWAY_BIND",
        "GATEWAY_CHANGE_DEADLINE_SECONDS",
        "GATEWAY_PANELS__SETTLE_SECONDS",
    ):
        assert name in ran.stderr


def test_python_minus_m_is_the_same_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == run_gateway("--version").stdout.strip()
