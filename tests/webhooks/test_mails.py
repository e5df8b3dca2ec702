"""Operators are written to when an endpoint was disabled: over real sockets, to a real server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography.x509 import DNSName
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from gateway.domain.clock import SystemClock
from gateway.domain.ids import EndpointId
from gateway.services.ports.mailer import Mail, Mailed
from gateway.services.scope import system_scope
from gateway.services.webhook_mails import LEASE, TRIED_FOR, mail_disabled
from gateway.webhooks.mail_settings import SmtpSettings
from gateway.webhooks.mailer import SmtpMailer
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, runtime_of
from tests.servers.processes import free_port
from tests.webhooks.catching import Catcher
from tests.webhooks.delivering import an_endpoint_at, deliver, expand
from tests.webhooks.receivers import Authority
from tests.world import World

PASSWORD = "smtp-s3cret-password"
MAIL = Mail(name="whe_1.2", subject="Something was disabled", text="It was.\n.\nSo it is.\n")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.made(tmp_path)


@dataclass
class Inbox:
    """What a server took, and how it answers."""

    taken: list[Envelope] = field(default_factory=list)
    answer: str = "250 OK"
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    was_secret: list[bool] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("250"):
            self.taken.append(envelope)
            tls = server.transport and server.transport.get_extra_info("ssl_object")
            self.was_secret.append(tls is not None)
        return self.answer

    def log_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode())

    @property
    def mails(self) -> list[Message]:
        return [message_from_bytes(each.original_content or b"") for each in self.taken]


@asynccontextmanager
async def listening(inbox: Inbox, **options: Any) -> AsyncIterator[int]:
    """Yield the port of a server that runs in a thread of its own."""
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
    await asyncio.to_thread(controller.start)
    try:
        yield controller.port
    finally:
        await asyncio.to_thread(controller.stop)


def text_of(mail: Message) -> str:
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


def settings(port: int, **more: Any) -> SmtpSettings:
    known = {"tls": "none", "sender": "gateway@example.test", "to": ("ops@example.test",)}
    return SmtpSettings(host="127.0.0.1", port=port, **(known | more))


def a_mailer(port: int, **more: Any) -> SmtpMailer:
    return SmtpMailer(settings(port, **more), SystemClock())


async def test_a_mail_arrives_whole() -> None:
    inbox = Inbox()
    async with listening(inbox) as port:
        mailer = a_mailer(port, to=("ops@example.test", "boss@example.test"))
        assert await mailer.send(MAIL) is Mailed.SENT
    (envelope,), (mail,) = inbox.taken, inbox.mails
    assert envelope.mail_from == "gateway@example.test"
    assert envelope.rcpt_tos == ["ops@example.test", "boss@example.test"]
    assert mail["Subject"] == MAIL.subject
    assert mail["Message-ID"] == "<whe_1.2@example.test>"
    assert text_of(mail) == MAIL.text


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_over_tls_it_logs_in_where_the_certificate_is_the_servers(
    authority: Authority, tls: str
) -> None:
    inbox, server = Inbox(), authority.serves(DNSName("localhost"))
    trusting = ssl.create_default_context(cadata=authority.pem)
    options: dict[str, Any] = {"authenticator": inbox.log_in}
    options |= (
        {"tls_context": server, "require_starttls": True, "auth_required": True}
        if tls == "starttls"
        else {"ssl_context": server, "auth_require_tls": False}
    )
    async with listening(inbox, **options) as port:
        login = {"username": "gateway", "password": SecretStr(PASSWORD), "tls": tls}
        known = replace_host(settings(port, **login))
        assert await SmtpMailer(known, SystemClock(), context=trusting).send(MAIL) is Mailed.SENT
        with capture_logs() as logged:
            stranger = SmtpMailer(known, SystemClock())
            assert await stranger.send(MAIL) is Mailed.LATER
            wrong = known.model_copy(update={"password": SecretStr("wrong-" + PASSWORD)})
            mailer = SmtpMailer(wrong, SystemClock(), context=trusting)
            assert await mailer.send(MAIL) is Mailed.LATER
    assert inbox.logins[0] == (b"gateway", PASSWORD.encode())
    assert inbox.was_secret == [True]
    assert PASSWORD not in str(logged)


def replace_host(known: SmtpSettings) -> SmtpSettings:
    return known.model_copy(update={"host": "localhost"})


@pytest.mark.parametrize(
    ("answer", "mailed"),
    [("451 Later, please", Mailed.LATER), ("554 No such thing here", Mailed.REFUSED)],
)
async def test_a_refusal_is_for_good_or_for_now(answer: str, mailed: Mailed) -> None:
    async with listening(Inbox(answer=answer)) as port:
        assert await a_mailer(port).send(MAIL) is mailed


async def test_a_server_that_is_not_there_or_no_server_is_for_now() -> None:
    assert await a_mailer(free_port()).send(MAIL) is Mailed.LATER
    silent = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        assert await a_mailer(port).send(MAIL) is Mailed.LATER


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": None},
        {"to": ()},
        {"to": ("ops@example.test\r\nBcc: all@example.test",)},
        {"sender": "nobody"},
        {"username": "gateway"},
        {"tls": "maybe"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(25, **wrong)


# --- the worker -----------------------------------------------------------------------------------


async def look(world: World, mailer: SmtpMailer | None, at: datetime | None = None) -> int:
    """Let the worker look once."""
    ports = replace(runtime_of(world, clock=SetClock(at or datetime.now(UTC))).ports, mailer=mailer)
    return await mail_disabled(system_context(ports, "webhook-mail"))


async def disabled(world: World, catcher: Catcher, mailer: SmtpMailer | None) -> str:
    """Have an endpoint disabled by a 410, and return its id."""
    endpoint = await an_endpoint_at(world.a.api, catcher, "/410/T0KEN?key=T0KEN")
    await world.line()
    await expand(world)
    runtime = runtime_of(world)
    await deliver(replace(runtime, ports=replace(runtime.ports, mailer=mailer)))
    found = await world.a.api.ok("GET", f"/v1/webhook-endpoints/{endpoint['id']}")
    assert found["disabled_reason"] == "gone"
    return str(endpoint["id"])


async def test_it_is_written_once_of_an_endpoint_that_was_disabled(
    each_world: World, catcher: Catcher
) -> None:
    world, inbox = each_world, Inbox()
    async with listening(inbox) as port:
        mailer = a_mailer(port)
        endpoint_id = await disabled(world, catcher, mailer)
        looks = await asyncio.gather(*(look(world, mailer) for _ in range(4)))
        assert sum(looks) == 1
        assert await look(world, mailer, datetime.now(UTC) + 2 * LEASE) == 0
    (mail,) = inbox.mails
    text = text_of(mail)
    assert endpoint_id in mail["Subject"]
    assert world.a.id in text
    assert "410" in text
    assert catcher.place in text
    assert "T0KEN" not in str(mail) + text


async def test_who_dies_between_sending_and_marking_writes_again_under_the_same_name(
    each_world: World, catcher: Catcher
) -> None:
    world, inbox, now = each_world, Inbox(), datetime.now(UTC)

    class Dying(SmtpMailer):
        async def send(self, mail: Mail) -> Mailed:
            await super().send(mail)
            raise KeyboardInterrupt

    async with listening(inbox) as port:
        await disabled(world, catcher, a_mailer(port))
        with pytest.raises(KeyboardInterrupt):
            await look(world, Dying(settings(port), SystemClock()))
        assert await look(world, a_mailer(port), now) == 0  # It is leased.
        assert await look(world, a_mailer(port), now + 2 * LEASE) == 1
    first, second = inbox.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_server_that_is_down_is_waited_for_and_a_refusal_is_not(
    each_world: World, catcher: Catcher
) -> None:
    world, now = each_world, datetime.now(UTC)
    away, inbox = a_mailer(free_port()), Inbox()
    await disabled(world, catcher, away)
    assert await look(world, away) == 1
    assert await look(world, away) == 0  # Not at once.
    async with listening(inbox) as port:
        assert await look(world, a_mailer(port), now + timedelta(hours=1)) == 1
        assert len(inbox.taken) == 1
        await disabled(world, catcher, away)
        inbox.answer = "554 No"
        assert await look(world, a_mailer(port), now + timedelta(hours=1)) == 1
        inbox.answer = "250 OK"
        assert await look(world, a_mailer(port), now + timedelta(days=1)) == 0
    await disabled(world, catcher, away)
    assert await look(world, away, now + TRIED_FOR + timedelta(hours=1)) == 1
    assert await look(world, away, now + 2 * TRIED_FOR) == 0  # It is old news.


async def test_nothing_is_written_without_a_server_or_of_what_somebody_did(
    each_world: World, catcher: Catcher
) -> None:
    world, inbox = each_world, Inbox()
    async with listening(inbox) as port:
        await disabled(world, catcher, None)
        assert await look(world, a_mailer(port)) == 0
        endpoint = await an_endpoint_at(world.a.api, catcher)
        path = f"/v1/webhook-endpoints/{endpoint['id']}"
        await world.a.api.ok("PATCH", path, {"state": "disabled"})
        assert await look(world, a_mailer(port)) == 0
        again = await disabled(world, catcher, a_mailer(port))
        await world.a.api.ok("PATCH", f"/v1/webhook-endpoints/{again}", {"state": "active"})
        assert await look(world, a_mailer(port)) == 0
    async with world.runtime.database.read(system_scope()) as store:
        assert (await store.endpoints.get(EndpointId(again))).mail_at is None
    assert inbox.taken == []
