"""The Mailer port: one server, by SMTP."""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING, Final

import aiosmtplib
import structlog

from gateway.services.ports.mailer import Mail, Mailed

if TYPE_CHECKING:
    from gateway.services.ports.system import Clock
    from gateway.webhooks.mail_settings import SmtpSettings

log = structlog.get_logger(__name__)

#: For each step of the conversation.
STEP_SECONDS: Final = 10.0


class SmtpMailer:
    """Sends by the server of the settings.

    Args:
        context: what certificates are held against; None: the system's authorities.
    """

    def __init__(
        self, settings: SmtpSettings, clock: Clock, *, context: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._context = context or ssl.create_default_context()

    async def send(self, mail: Mail) -> Mailed:
        """See the port."""
        to = self._settings
        try:
            await aiosmtplib.send(
                self._message(mail),
                hostname=to.host,
                port=to.port,
                username=to.username or None,
                password=to.password.get_secret_value() if to.username and to.password else None,
                use_tls=to.tls == "tls",
                start_tls=to.tls == "starttls",
                tls_context=None if to.tls == "none" else self._context,
                timeout=STEP_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            is_final = _is_final(error)
            # The server's own words may quote what was sent; its number says enough.
            log.warning("mail.failed", error=type(error).__name__, code=_code_of(error))
            return Mailed.REFUSED if is_final else Mailed.LATER
        return Mailed.SENT

    def _message(self, mail: Mail) -> EmailMessage:
        sender = self._settings.sender or ""
        message = EmailMessage()
        message["From"] = sender
        message["To"] = ", ".join(self._settings.to)
        message["Subject"] = mail.subject
        message["Date"] = self._clock.now()
        message["Message-ID"] = f"<{mail.name}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def _code_of(error: Exception) -> int | None:
    """Return the number of the server's answer."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return max((each.code for each in error.recipients), default=None)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None


def _is_final(error: Exception) -> bool:
    """Tell whether the mail itself was refused for good, and not us, who may be put right."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(each.code >= 500 for each in error.recipients)
    about_mail = (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError)
    return isinstance(error, about_mail) and error.code >= 500
