"""Nothing that a customer writes or that a name server answers leads to this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest

from gateway.services.ports.sender import SendFault
from tests.panels.servers import answering, page, serving
from tests.webhooks.receivers import BODY, HEADERS, NAME, Canary, Names, a_canary, a_sender, sent_to

MALFORMED, NOT_HTTPS = SendFault.URL_MALFORMED, SendFault.URL_NOT_HTTPS
HAS_USER, HOST = SendFault.URL_HAS_USER, SendFault.URL_HOST
ADDRESS, PORT = SendFault.URL_ADDRESS, SendFault.URL_PORT

#: What a customer may write. PORT stands for the canary's.
URLS: Final = {
    # This machine, plainly.
    "https://127.0.0.1:PORT/": ADDRESS,
    "https://127.0.0.2:PORT/": ADDRESS,
    "https://127.255.255.254:PORT/": ADDRESS,
    "https://0.0.0.0:PORT/": ADDRESS,
    "https://0.1.2.3:PORT/": ADDRESS,
    "https://[::1]:PORT/": ADDRESS,
    "https://[::]:PORT/": ADDRESS,
    "https://[0:0:0:0:0:0:0:1]:PORT/": ADDRESS,
    "https://[0000:0000:0000:0000:0000:0000:0000:0001]:PORT/": ADDRESS,
    "https://localhost:PORT/": HOST,
    "https://LOCALHOST:PORT/": HOST,
    "https://localhost.:PORT/": HOST,
    "https://app.localhost:PORT/": HOST,
    "https://localhost.localdomain:PORT/": HOST,
    # IPv4 within IPv6.
    "https://[::ffff:127.0.0.1]:PORT/": ADDRESS,
    "https://[::ffff:7f00:1]:PORT/": ADDRESS,
    "https://[::127.0.0.1]:PORT/": ADDRESS,
    "https://[::ffff:0:127.0.0.1]:PORT/": ADDRESS,
    "https://[2002:7f00:1::]:PORT/": ADDRESS,
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]:PORT/": ADDRESS,
    "https://[64:ff9b::127.0.0.1]:PORT/": ADDRESS,
    "https://[64:ff9b:1::127.0.0.1]:PORT/": ADDRESS,
    "https://[2a00:1450::5efe:127.0.0.1]:PORT/": ADDRESS,
    # Addresses in odd forms: what a C library takes for 127.0.0.1.
    "https://2130706433:PORT/": HOST,
    "https://017700000001:PORT/": HOST,
    "https://0x7f000001:PORT/": HOST,
    "https://0X7F000001:PORT/": HOST,
    "https://127.1:PORT/": HOST,
    "https://127.0.1:PORT/": HOST,
    "https://0177.0.0.1:PORT/": HOST,
    "https://0x7f.0.0.1:PORT/": HOST,
    "https://0x7f.1:PORT/": HOST,
    "https://127.0.0.01:PORT/": HOST,
    "https://127.0.0.0x1:PORT/": HOST,
    "https://127.0.0.1.:PORT/": HOST,
    "https://127.0.0.256:PORT/": HOST,
    "https://0:PORT/": HOST,
    "https://1.1.1.1.127.0.0.1:PORT/": HOST,
    "https://127。0。0。1:PORT/": HOST,
    "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11:PORT/": HOST,
    "https://①②⑦.⓪.⓪.①:PORT/": HOST,
    "https://lOcAlHoSt:PORT/": HOST,
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/": HOST,
    "https://loc\u00adalhost:PORT/": HOST,
    "https://%31%32%37.0.0.1:PORT/": HOST,
    "https://127.0.0.1%2f.example.com:PORT/": HOST,
    "https://[::1%25lo]:PORT/": HOST,
    "https://[fe80::1%25lo]:PORT/": HOST,
    "https://[127.0.0.1]:PORT/": HOST,
    "https://[::1:PORT/": HOST,
    "https://::1:PORT/": HOST,
    # Two readers, two hosts.
    "https://example.com@127.0.0.1:PORT/": HAS_USER,
    "https://user:pass@127.0.0.1:PORT/": HAS_USER,
    "https://127.0.0.1:PORT@example.com/": HAS_USER,
    "https://example.com:443@127.0.0.1:PORT/": HAS_USER,
    "https://127.0.0.1:PORT\\@example.com/": MALFORMED,
    "https://example.com\\@127.0.0.1:PORT/": MALFORMED,
    "https://127.0.0.1:PORT#@example.com/": SendFault.URL_HAS_FRAGMENT,
    "https://127.0.0.1:PORT /": MALFORMED,
    "https://127.0.0.1:PORT\t/": MALFORMED,
    "https://127.0.0.1:PORT/\r\nHost: example.com": MALFORMED,
    "https://127.0.0\n.1:PORT/": MALFORMED,
    " https://127.0.0.1:PORT/": MALFORMED,
    "https://127.0.0.1:PORT/\x00": MALFORMED,
    "https:127.0.0.1:PORT/": MALFORMED,
    "https:/127.0.0.1:PORT/": MALFORMED,
    "https:///127.0.0.1:PORT/": MALFORMED,
    "//127.0.0.1:PORT/": MALFORMED,
    "127.0.0.1:PORT": MALFORMED,
    "": MALFORMED,
    # Other schemes.
    "http://127.0.0.1:PORT/": NOT_HTTPS,
    "HTTP://example.com/": NOT_HTTPS,
    "http://example.com/": NOT_HTTPS,
    "ftp://127.0.0.1:PORT/": NOT_HTTPS,
    "gopher://127.0.0.1:PORT/_x": NOT_HTTPS,
    "file:///etc/passwd": MALFORMED,
    "file://127.0.0.1/etc/passwd": NOT_HTTPS,
    "ws://127.0.0.1:PORT/": NOT_HTTPS,
    "unix://127.0.0.1:PORT/": NOT_HTTPS,
    # Other private places.
    "https://10.0.0.1/": ADDRESS,
    "https://172.16.0.1/": ADDRESS,
    "https://192.168.1.1/": ADDRESS,
    "https://169.254.169.254/latest/meta-data/": ADDRESS,
    "https://[fd00:ec2::254]/": ADDRESS,
    "https://100.100.100.200/": ADDRESS,
    "https://168.63.129.16/": ADDRESS,
    "https://192.0.0.192/": ADDRESS,
    "https://224.0.0.1/": ADDRESS,
    "https://255.255.255.255/": ADDRESS,
    "https://[fe80::1]/": ADDRESS,
    "https://[ff02::1]/": ADDRESS,
    "https://metadata/": HOST,
    "https://metadata.google.internal/": HOST,
    "https://kubernetes.default.svc.cluster.local/": HOST,
    "https://printer.lan/": HOST,
    # Ports.
    "https://example.com:22/": PORT,
    "https://example.com:25/": PORT,
    "https://example.com:6667/": PORT,
    "https://example.com:65536/": PORT,
    "https://example.com:0/": HOST,
    "https://example.com:/": HOST,
    "https://example.com:-1/": HOST,
    "https://example.com:0443/": HOST,
    "https://example.com:443:443/": HOST,
    "https://example.com:\uff14\uff14\uff13/": HOST,
}

#: What a name server may answer.
ADDRESSES: Final = (
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "172.31.255.255",
    "192.168.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "168.63.129.16",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:93.184.216.34",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::5db8:d822",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
)


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    async with a_canary() as listening:
        yield listening


def test_there_are_more_than_sixty_forms() -> None:
    assert len(URLS) > 60
    assert len(ADDRESSES) > 30


@pytest.mark.parametrize(("url", "fault"), URLS.items(), ids=[ascii(url) for url in URLS])
async def test_no_url_leads_here(canary: Canary, url: str, fault: SendFault) -> None:
    url = url.replace("PORT", str(canary.port))
    # Whatever is looked up all the same leads to the canary.
    sender = a_sender(resolve=Names([["127.0.0.1"]]))
    assert sender.check_url(url) is fault
    sent = await sender.send(url, HEADERS, BODY)
    assert (sent.status, sent.body_start, sent.fault) == (None, b"", fault)
    assert canary.connections == 0


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_name_leads_here(canary: Canary, address: str) -> None:
    names = Names([[address]])
    sent = await a_sender(resolve=names).send(f"https://{NAME}:{canary.port}/", HEADERS, BODY)
    assert (sent.status, sent.fault) == (None, SendFault.ADDRESS_REFUSED)
    assert names.asked == [f"{NAME}."]
    assert canary.connections == 0


@pytest.mark.parametrize(
    "answer",
    [
        ("93.184.216.34", "127.0.0.1"),
        ("127.0.0.1", "93.184.216.34"),
        ("2606:2800:220:1::1", "93.184.216.34", "8.8.8.8", "9.9.9.9", "1.1.1.1", "::1"),
    ],
)
async def test_one_private_address_spoils_the_public_ones(
    canary: Canary, answer: tuple[str, ...]
) -> None:
    sender = a_sender(resolve=Names([answer]))
    sent = await sender.send(f"https://{NAME}:{canary.port}/", HEADERS, BODY)
    assert sent.fault is SendFault.ADDRESS_REFUSED
    assert canary.connections == 0


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
async def test_a_name_that_turns_private_after_it_was_checked_leads_nowhere(
    canary: Canary,
) -> None:
    names = Names([["93.184.216.34"], ["127.0.0.1"]])
    sender = a_sender(resolve=names)
    url = f"https://{NAME}:{canary.port}/"
    # The tests' own guard lets nobody out to the public address.
    first = await sender.send(url, HEADERS, BODY)
    assert first.fault is SendFault.CONNECT_FAILED
    assert len(names.asked) == 1
    second = await sender.send(url, HEADERS, BODY)
    assert second.fault is SendFault.ADDRESS_REFUSED
    assert len(names.asked) == 2
    assert canary.connections == 0


@pytest.mark.parametrize("status", [b"301 M", b"302 M", b"303 M", b"307 M", b"308 M"])
async def test_a_redirect_is_told_and_not_followed(canary: Canary, status: bytes) -> None:
    location = f"Location: http://127.0.0.1:{canary.port}/\r\n".encode()
    async with serving(answering(page(b"", status, location))) as base_url:
        sent = await sent_to(base_url)
    assert (sent.status, sent.fault, sent.is_success) == (int(status[:3]), None, False)
    assert canary.connections == 0


async def test_no_proxy_of_the_environment_is_used(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    async with serving(answering(page(b"ok"))) as base_url:
        assert (await sent_to(base_url)).is_success
    assert canary.connections == 0


async def test_a_name_is_looked_up_once_and_that_very_address_is_used() -> None:
    async with serving(answering(page(b"ok"))) as base_url:
        port = int(base_url.rpartition(":")[2])
        # The system knows no such name; a second look would lead elsewhere.
        names = Names([["127.0.0.1"], ["::1"]])
        sender = a_sender(resolve=names, dangerous=[f"{NAME}:{port}"])
        sent = await sender.send(f"http://{NAME}:{port}/", HEADERS, BODY)
    assert sent.is_success
    assert names.asked == [NAME]


async def test_a_dangerous_place_is_that_port_of_that_name_only(canary: Canary) -> None:
    sender = a_sender(dangerous=[f"127.0.0.1:{canary.port}"], resolve=Names([["127.0.0.1"]]))
    for url in (
        f"http://127.0.0.1:{canary.port + 1}/",
        f"https://127.0.0.1:{canary.port + 1}/",
        f"https://{NAME}:{canary.port}/",
        f"http://[::1]:{canary.port}/",
        f"https://127.1:{canary.port}/",
    ):
        assert (await sender.send(url, HEADERS, BODY)).status is None
    assert canary.connections == 0
    await sender.send(f"http://127.0.0.1:{canary.port}/", HEADERS, BODY)
    assert canary.connections == 1
