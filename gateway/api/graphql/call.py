"""What resolvers are handed: one executing operation, and the service contexts it makes."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import strawberry

from gateway.api.graphql.loaders import Loaders
from gateway.api.graphql.prepare import Prepared
from gateway.api.graphql.request import Asked
from gateway.api.rest import json_body
from gateway.domain.errors import Fault, InvalidRequest
from gateway.domain.idempotency import Idempotency
from gateway.services.context import Context

IDEMPOTENCY_KEY_LENGTH_MAX: Final = 255


class GraphqlCall:
    """One operation on its way. Loaders live as long as it does, so nothing is asked twice."""

    def __init__(self, asked: Asked, prepared: Prepared) -> None:
        self.asked = asked
        self.prepared = prepared
        self.reading = context_of(asked)
        self.loaders = Loaders(self.reading)

    def forget_reads(self) -> None:
        """Let what is read from now on be read anew: something may have changed."""
        self.loaders = Loaders(self.reading)

    def changing(
        self,
        field: str,
        body: dict[str, Any],
        *,
        idempotency_key: str | None,
        if_version: int | None,
        dry_run: bool,
    ) -> Context:
        """Return the context of one mutation. A dry run ignores the key, as in REST.

        Raises:
            InvalidRequest: the key is not 1-255 printable ASCII characters.
        """
        idempotency = None
        if idempotency_key is not None and not dry_run:
            _check_key(idempotency_key)
            request = json_body.canonical(["MUTATION", field, body])
            idempotency = Idempotency(idempotency_key, request)
        return context_of(
            self.asked, idempotency=idempotency, if_version=if_version, dry_run=dry_run
        )


def context_of(asked: Asked, **more: Any) -> Context:  # noqa: ANN401 - a context's fields
    """Return the services' context of who asks; *more* are its other fields."""
    return Context(
        ports=asked.ports,
        caller=asked.caller,
        request_id=asked.request_id,
        ip=asked.ip,
        no_cache=asked.no_cache,
        wait_seconds=asked.preferences.wait_seconds,
        **more,
    )


Info: TypeAlias = strawberry.Info[GraphqlCall, None]


def _check_key(key: str) -> None:
    if not (1 <= len(key) <= IDEMPOTENCY_KEY_LENGTH_MAX and key.isascii() and key.isprintable()):
        detail = "Send one key of 1 to 255 printable ASCII characters."
        fault = Fault("/idempotencyKey", "bad_format", detail)
        raise InvalidRequest("The request has one fault; see errors.", faults=(fault,))
