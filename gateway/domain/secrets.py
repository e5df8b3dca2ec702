"""Secrets in memory: they never show in a repr, a log line or a traceback."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

LETTERS_AND_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MASK: Final = "***"


@dataclass(frozen=True, slots=True, eq=False)
class Secret:
    """A text that must not be seen. `reveal()` is the only way to its value.

    Comparing takes the same time wherever two texts of one length differ.
    """

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the text itself; call it only where it is encrypted, hashed or sent."""
        return self._value

    def equals(self, other: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(_bytes_of(self._value), _bytes_of(other))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.equals(other.reveal())

    def __hash__(self) -> int:
        return hash(self._value)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"


def _bytes_of(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # JSON of others may hold halves of pairs.


class SystemRandom:
    """Randomness of the operating system, fit for keys and passwords."""

    def bytes(self, count: int) -> bytes:
        """Return *count* random bytes."""
        return secrets.token_bytes(count)

    def text(self, length: int) -> str:
        """Return *length* characters of `[A-Za-z0-9]`, about 5.95 bits each."""
        return "".join(secrets.choice(LETTERS_AND_DIGITS) for _ in range(length))

    def uniform(self) -> float:
        """Return a number from 0.0 up to 1.0, for jitter."""
        return secrets.randbelow(2**53) / 2**53
