"""Faults of connections over real TCP: drops, resets, restarts; and TLS."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.simulator.command import SimulatorOptions
from gateway.simulator.faults import Match
from gateway.simulator.running import RunningSimulator, running_simulator
from tests.simulator import replay
from tests.simulator.asking import add_fault, eventually, line_form
from tests.simulator.test_server import connect, post

LIST = post("stream/offline", "")


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator(clock="virtual") as running:
        yield running


async def read_some(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        return await reader.read(65536)


# --- slow answers --------------------------------------------------------------------------------


async def test_an_answer_that_drips(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "slow_drip", bytes_per_second=10, where="body")
    reader, writer = await connect(simulator)
    writer.write(LIST)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert await read_some(reader) == b"["
    await simulator.panel.clock.travel(0.1)
    assert await read_some(reader) == b"]"
    await simulator.panel.clock.travel(0.1)
    assert await read_some(reader) == b""
    writer.close()


async def test_a_head_that_drips_by_default(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "slow_drip")
    reader, writer = await connect(simulator)
    writer.write(LIST)
    assert await read_some(reader) == b"H"
    await simulator.panel.clock.travel(1)
    assert await read_some(reader) == b"T"
    writer.close()
    await simulator.panel.wait_idle()
    assert simulator.panel.ledger.records[0].gone_at is not None


async def test_only_the_head_drips(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "slow_drip", bytes_per_second=100, where="head")
    reader, writer = await connect(simulator)
    writer.write(LIST)
    assert await read_some(reader) == b"H"
    await simulator.panel.clock.travel(10)
    assert (await reader.read()).endswith(b"\r\n\r\n[]")
    writer.close()


async def test_an_answer_that_stalls_for_ever(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "slow_drip", stall_after=5)
    reader, writer = await connect(simulator)
    writer.write(LIST)
    assert await reader.readexactly(5) == b"HTTP/"
    await simulator.panel.clock.travel(3600)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await reader.read(1)
    writer.close()
    await simulator.panel.wait_idle()
    record = simulator.panel.ledger.records[0]
    assert (record.sent_bytes, record.matched) == (5, True)


# --- broken requests -----------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, 200, 100_000])
async def test_a_reset_while_the_request_is_being_sent(simulator: RunningSimulator, k: int) -> None:
    add_fault(simulator.panel, "reset_at", k_in=k, effect="none", match=Match(action="user"))
    reader, writer = await connect(simulator)
    writer.write(post("user/create", line_form(admin_notes="x" * 500)))
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()
    assert not len(simulator.panel.tables["users"])
    assert [record.status for record in simulator.panel.ledger.records] == [None]
    assert (await replay.raw_request(simulator.base_url, LIST)).endswith(b"[]")


async def test_a_caller_that_leaves_while_its_request_is_cut(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "reset_at", k_in=100_000, effect="none")
    reader, writer = await connect(simulator)
    writer.write(post("user/create", line_form())[:-20])
    writer.write_eof()
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()


async def test_a_reset_after_the_effect(simulator: RunningSimulator) -> None:
    add_fault(simulator.panel, "reset_at", k_in=5, effect="before")
    reader, writer = await connect(simulator)
    writer.write(post("user/create", line_form()))
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()
    assert len(simulator.panel.tables["users"]) == 1


# --- restarts ------------------------------------------------------------------------------------


async def test_a_restart_drops_all_connections_and_keeps_the_tables(
    simulator: RunningSimulator,
) -> None:
    panel = simulator.panel
    await replay.raw_request(simulator.base_url, post("user/create", line_form()))
    waiting, writer = await connect(simulator)
    writer.write(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n")
    await waiting.readuntil(b"</html>\r\n")
    add_fault(panel, "restart", seconds=30)
    reader, other = await connect(simulator)
    other.write(LIST)
    with pytest.raises(ConnectionResetError):
        await waiting.readexactly(1)
    assert await replay_end(reader) == b""
    with pytest.raises(ConnectionRefusedError):
        await connect(simulator)
    await panel.clock.travel(30)
    await eventually(lambda: is_open(simulator.base_url))
    answer = await replay.raw_request(
        simulator.base_url, post("user/info", "username=alice&password=secret")
    )
    assert b'"username":"alice"' in answer
    writer.close()
    other.close()


def is_open(url: str) -> bool:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


async def replay_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_a_panel_that_is_down_can_be_closed() -> None:
    async with running_simulator(clock="virtual", control_bind="127.0.0.1:0") as simulator:
        url = simulator.control_url or ""
        assert (await replay.control(url, "POST", "/restart", {"seconds": 9}))[0] == 200
        await eventually(lambda: not is_open(simulator.base_url))
        simulator.panel.world.ban("127.0.0.1", style="drop")
        with pytest.raises(ConnectionRefusedError):
            await connect(simulator)


# --- callers that leave --------------------------------------------------------------------------


async def test_a_caller_that_leaves_is_noted_with_the_moment(simulator: RunningSimulator) -> None:
    panel = simulator.panel
    panel.world.pause_at.add("write_1")
    _, writer = await connect(simulator)
    writer.write(post("user/create", line_form()))
    await eventually(lambda: panel.world.gates.waiting == 1)
    panel.clock.advance(7)
    writer.close()
    record = panel.ledger.records[0]
    await eventually(lambda: record.gone_at is not None)
    assert (record.gone_at, record.gone_step) == (record.at + 7, "write_1")
    assert record.matched is True
    panel.world.gates.release()
    await panel.wait_idle()
    assert len(panel.tables["users"]) == 1
    assert panel.ledger.records[0].matched is False


# --- TLS -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "panel")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(secret)
    return folder / "cert.pem", folder / "key.pem"


async def test_the_panel_speaks_tls(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    context = SimulatorOptions(tls_cert=cert, tls_key=key).tls()
    trusting = ssl.create_default_context(cafile=str(cert))
    async with running_simulator(tls=context) as simulator:
        assert simulator.base_url.startswith("https://127.0.0.1:")
        port = int(simulator.base_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        writer.write(LIST)
        assert (await reader.read()).endswith(b"\r\n\r\n[]")
        writer.close()
        add_fault(simulator.panel, "reset_at", k_out=10)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        writer.write(LIST)
        assert len(await replay_end(reader)) <= 10
        writer.close()


def test_tls_options() -> None:
    assert SimulatorOptions().tls() is None
    with pytest.raises(ValueError, match="needs its certificate"):
        SimulatorOptions(tls_key=Path("key.pem")).tls()
