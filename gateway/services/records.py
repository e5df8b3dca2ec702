"""Our records in the audit log: what differs, with secrets as keyed digests only."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final, NoReturn, Protocol

from gateway.domain.secrets import MASK, Secret

PURPOSE: Final = "audit.secret"
#: Ours alone: they say nothing about the resource.
_LEFT_OUT: Final = frozenset(
    {"id", "owner_path", "version", "epoch", "created_at", "updated_at", "mail_at"}
)


class Digester(Protocol):
    """What stands for a secret: the sealer, whose digests are keyed, or a mask."""

    def digest(self, data: bytes, purpose: str) -> str:
        """Return a text that does not give *data* away."""


def facts_of(record: object, sealer: Digester) -> dict[str, Any]:
    """Return a domain object's values as JSON can hold them."""
    if not is_dataclass(record):
        raise TypeError("only domain objects have facts")
    return {
        f.name: _plain(getattr(record, f.name), sealer)
        for f in fields(record)
        if f.name not in _LEFT_OUT
    }


def differences(
    before: object | None, after: object, sealer: Digester
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the values that differ, as they were (None: there was nothing) and as they are."""
    new = facts_of(after, sealer)
    if before is None:
        return None, new
    old = facts_of(before, sealer)
    names = [name for name in new if old[name] != new[name]]
    return {name: old[name] for name in names}, {name: new[name] for name in names}


def _plain(value: object, sealer: Digester) -> Any:  # noqa: ANN401, PLR0911 - JSON is anything
    match value:
        case Secret():
            return sealer.digest(value.reveal().encode(), PURPOSE)
        case bytes():
            return sealer.digest(value, PURPOSE)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case float():
            # The canonical form of an entry has no floats: their spelling is not unique.
            return str(value)
        case dict():
            return {str(key): _plain(item, sealer) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item, sealer) for item in value]
        case frozenset():
            return sorted(str(item) for item in value)
        case _ if is_dataclass(value):
            return {f.name: _plain(getattr(value, f.name), sealer) for f in fields(value)}
        case _:
            return value


class RehearsedError(Exception):
    """Rolls a transaction back once it has shown what it would do."""


class _Masking:
    """Stands in for the sealer where facts are shown: no digests of secrets leave the house."""

    def digest(self, data: bytes, purpose: str) -> str:
        """Return the mask."""
        return MASK


def shown_facts(record: object) -> dict[str, Any]:
    """Return a record's values with its secrets masked."""
    return facts_of(record, _Masking())


def roll_back() -> NoReturn:
    """End a dry run's transaction.

    Raises:
        RehearsedError
    """
    raise RehearsedError
