"""How webhooks leave: one request to an address that a customer chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

#: How much of an answer is kept; bytes.
BODY_START_BYTES: Final = 2_048
#: How long one request may take in all, unless its caller says less; seconds.
SEND_SECONDS: Final = 15.0


class SendFault(StrEnum):
    """Why there is no usable answer. Our own words: nothing of the receiver's is in them."""

    # What `check_url` finds; nothing is sent.
    URL_MALFORMED = "url_malformed"
    URL_NOT_HTTPS = "url_not_https"
    URL_HAS_USER = "url_has_user"
    URL_HAS_FRAGMENT = "url_has_fragment"
    URL_HOST = "url_host"
    URL_PORT = "url_port"
    URL_ADDRESS = "url_address"
    # What shows when it is sent; with the first two nothing has been connected to.
    NAME_NOT_FOUND = "name_not_found"
    ADDRESS_REFUSED = "address_refused"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMED_OUT = "connect_timed_out"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    BROKEN_OFF = "broken_off"
    NOT_HTTP = "not_http"
    HEAD_TOO_LARGE = "head_too_large"
    BODY_TOO_LARGE = "body_too_large"

    @property
    def detail(self) -> str:
        """Return a sentence for people."""
        return _DETAILS[self]


_DETAILS: Final = {
    SendFault.URL_MALFORMED: "This is no URL, or it has characters that must be percent-encoded.",
    SendFault.URL_NOT_HTTPS: "The URL must begin with https://.",
    SendFault.URL_HAS_USER: "The URL must have no user name or password.",
    SendFault.URL_HAS_FRAGMENT: "The URL must have no fragment (#).",
    SendFault.URL_HOST: "The host must be a full public name, or an address in its usual form.",
    SendFault.URL_PORT: "This port belongs to another protocol.",
    SendFault.URL_ADDRESS: "This address is not public.",
    SendFault.NAME_NOT_FOUND: "The host's name has no address.",
    SendFault.ADDRESS_REFUSED: "The host's name leads to an address that is not public.",
    SendFault.CONNECT_FAILED: "No connection.",
    SendFault.CONNECT_TIMED_OUT: "No connection in time.",
    SendFault.TLS_FAILED: "TLS failed: the certificate must be valid for the host, and trusted.",
    SendFault.TIMED_OUT: "No whole answer in time.",
    SendFault.BROKEN_OFF: "The connection ended before the answer did.",
    SendFault.NOT_HTTP: "The answer is not HTTP/1.1.",
    SendFault.HEAD_TOO_LARGE: "The headers of the answer are too large.",
    SendFault.BODY_TOO_LARGE: "The answer is too large.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of one request.

    `status`: None where no status came. It may stand beside a fault, if the rest was unusable.
    `body_start`: at most BODY_START_BYTES, as they came: not decoded, and not to be trusted.
    """

    status: int | None
    body_start: bytes = b""
    milliseconds: int
    fault: SendFault | None = None

    @property
    def is_success(self) -> bool:
        """Tell whether the receiver took it: a whole answer of 200 to 299."""
        return self.fault is None and self.status is not None and 200 <= self.status <= 299


class Sender(Protocol):
    """Posts to public https addresses only, and never follows where an answer points."""

    def check_url(self, url: str) -> SendFault | None:
        """Tell what is wrong with *url*, as far as its text shows; asks nobody.

        What a name leads to is only checked by `send`, each time.
        """

    async def send(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_seconds: float = SEND_SECONDS,
    ) -> Sent:
        """POST once, within *timeout_seconds* in all; never raises, and never repeats.

        Args:
            headers: `Host`, `Content-Length`, `Connection`, `Accept-Encoding` and `User-Agent`
                are the sender's own.
        """
