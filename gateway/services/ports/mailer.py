"""How operators are written to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A plain text for the operators. *name*: the same for a mail that is sent again."""

    name: str
    subject: str
    text: str


class Mailed(Enum):
    """What became of a mail: taken, to be tried again, or refused for good."""

    SENT = auto()
    LATER = auto()
    REFUSED = auto()


class Mailer(Protocol):
    """Sends mail to the addresses of the settings. Never raises for what the server does."""

    async def send(self, mail: Mail) -> Mailed:
        """Hand it to the server; takes at most a minute."""
