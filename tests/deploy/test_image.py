"""The image, built here without a daemon, and its roles, run as a cluster would run them."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway import __version__
from tests.deploy.charts import Chart, one
from tests.deploy.images import READY_SECONDS_MAX, Image, mounted, stop
from tests.servers.deploy_tools import Builder
from tests.servers.processes import free_port, open_folder, remove

pytestmark = pytest.mark.long

KEYS = {"GATEWAY_ENCRYPTION_KEYS": f"k1:{base64.b64encode(bytes(32)).decode()}"}
FORBIDDEN = ("gcc", "cc", "make", "git", "pip", "pip3", "uv", "curl")


@pytest.fixture(scope="module")
def image(image_builder: Builder) -> Iterator[Image]:
    folder = open_folder("image")
    with mounted(image_builder, folder) as found:
        yield found
    remove(folder)


def binds() -> dict[str, str]:
    return {
        "GATEWAY_BIND": f"127.0.0.1:{free_port()}",
        "GATEWAY_OPS_BIND": f"127.0.0.1:{free_port()}",
    }


def ask(bind: str, path: str) -> tuple[int, dict[str, object]]:
    host, _, port = bind.partition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=5)) as peer:
        peer.request("GET", path)
        answer = peer.getresponse()
        return answer.status, json.loads(answer.read())


def wait_for(bind: str, path: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + READY_SECONDS_MAX
    while True:
        assert process.poll() is None, log.read_text()
        try:
            assert ask(bind, path)[0] == 200, log.read_text()
        except OSError:
            assert time.monotonic() < give_up_at, log.read_text()
            time.sleep(0.1)
        else:
            return


def helm_test(
    image: Image, chart: Chart, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the chart's test pod on this machine's addresses instead of the Services'."""
    container = one(chart.render({}), "Pod")["spec"]["containers"][0]
    code, *urls = container["args"]
    binds = (variables["GATEWAY_BIND"], variables["GATEWAY_OPS_BIND"])
    places = [f"http://{bind}{urlsplit(url).path}" for bind, url in zip(binds, urls, strict=True)]
    return image.run(*container["command"], code, *places)


def test_it_says_what_it_is(image: Image) -> None:
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.version"] == __version__
    assert image.command == ["xtream-gateway", "serve"]
    assert set(image.config["ExposedPorts"]) == {"8080/tcp", "8081/tcp"}
    assert image.config["StopSignal"] == "SIGTERM"


def test_the_product_is_the_one_of_this_tree(image: Image) -> None:
    assert image.python("import gateway; print(gateway.__version__)") == __version__
    assert image.python("import gateway; print(gateway.__file__)").startswith("/opt/")


def test_nothing_to_build_with_is_left(image: Image) -> None:
    code = f"import shutil; print([it for it in {FORBIDDEN!r} if shutil.which(it)])"
    assert image.python(code) == "[]"
    assert image.python("import importlib.util as u; print(u.find_spec('pip'))") == "None"
    left = [
        path
        for folder in ("opt", "usr/local", "root", "src", "tmp")
        for path in (image.root / folder).rglob("*")
        if path.name in {"pip", "ensurepip", "pip.conf", ".cache", "hatchling"}
    ]
    assert left == []


def test_a_role_is_nobody_and_can_write_only_its_state_and_tmp(image: Image) -> None:
    seen = image.python("""if True:
        import os, pathlib
        status = pathlib.Path('/proc/self/status').read_text()
        words = dict(line.split(':', 1) for line in status.splitlines() if ':' in line)
        print(os.getuid(), os.getgid(), os.getgroups(), int(words['CapEff'], 16))
        for folder in ('/', '/opt/xtream-gateway', '/etc', '/var/lib/xtream-gateway', '/tmp'):
            print(folder, os.access(folder, os.W_OK))
    """).splitlines()
    assert seen == [
        "10001 10001 [] 0",
        "/ False",
        "/opt/xtream-gateway False",
        "/etc False",
        "/var/lib/xtream-gateway True",
        "/tmp True",
    ]


def test_no_program_is_set_to_another_users_rights_by_us(image: Image) -> None:
    ours = [it for it in (image.root / "opt").rglob("*") if not it.is_symlink()]
    assert ours
    assert [it for it in ours if it.stat().st_mode & 0o7022] == []
    assert {(it.stat().st_uid, it.stat().st_gid) for it in ours} == {(0, 0)}


def test_serve_without_keys_ends_with_a_sentence(image: Image) -> None:
    done = image.run(*image.command, variables=binds())
    assert done.returncode == 1
    assert "GATEWAY_ENCRYPTION_KEYS" in done.stdout + done.stderr


def test_migrate_then_serve_and_work_on_postgresql(
    image: Image, chart: Chart, postgres_url: str, tmp_path: Path
) -> None:
    variables = {**KEYS, **binds(), "GATEWAY_DATABASE_URL": postgres_url}
    migrated = image.run("xtream-gateway", "migrate", variables=variables)
    assert migrated.returncode == 0, migrated.stderr
    log = tmp_path / "serve.log"
    with image.started("serve", variables=variables, log=log) as process:
        wait_for(variables["GATEWAY_OPS_BIND"], "/livez", process, log)
        assert ask(variables["GATEWAY_BIND"], "/livez") == (200, {"status": "ok"})
        assert ask(variables["GATEWAY_OPS_BIND"], "/readyz")[0] == 200
        assert image.is_healthy(process)
        assert helm_test(image, chart, variables).returncode == 0
        assert stop(process, image) == 0
    assert helm_test(image, chart, variables).returncode == 2
    log = tmp_path / "work.log"
    with image.started("work", variables=variables, log=log) as process:
        assert image.is_healthy(process)
        assert stop(process, image) == 0, log.read_text()


def test_serve_on_its_own_database_below_its_state(image: Image, tmp_path: Path) -> None:
    variables = {**KEYS, **binds()}
    assert image.run("xtream-gateway", "migrate", variables=variables).returncode == 0
    log = tmp_path / "serve.log"
    with image.started("serve", variables=variables, log=log) as process:
        wait_for(variables["GATEWAY_OPS_BIND"], "/readyz", process, log)
        assert stop(process, image) == 0


def test_the_health_check_fails_where_nobody_answers(image: Image, tmp_path: Path) -> None:
    variables = {**KEYS, **binds()}
    log = tmp_path / "log"
    elsewhere = {**variables, "GATEWAY_OPS_BIND": binds()["GATEWAY_OPS_BIND"]}
    sleeping = ["python", "-c", "import time; time.sleep(60)", "serve"]
    silent = Image(image.root, {**image.config, "Entrypoint": sleeping}, image.state)
    with silent.started(variables=elsewhere, log=log) as process:
        time.sleep(0.5)
        assert not silent.is_healthy(process)


def test_demo_comes_up(image: Image, tmp_path: Path) -> None:
    names = ("port", "panel-port", "control-port", "ops-port")
    ports = {name: free_port() for name in names}
    flags = [text for name, port in ports.items() for text in (f"--{name}", str(port))]
    log = tmp_path / "demo.log"
    with image.started("demo", *flags, variables={}, log=log) as process:
        wait_for(f"127.0.0.1:{ports['ops-port']}", "/readyz", process, log)
        assert stop(process, image) == 0
