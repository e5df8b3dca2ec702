"""How a client proves who it is: from header and form to a `ClientProof`, exactly one way."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote_plus

from gateway.api.exchange import Exchange
from gateway.api.oauth.form import Form
from gateway.domain.oauth import ASSERTION_TYPE, ClientProof, InvalidClient, InvalidTokenRequest
from gateway.domain.proofs import Proof
from gateway.domain.secrets import Secret

_BASIC: Final = re.compile(rb"basic +([A-Za-z0-9+/]{1,2048}={0,2})", re.IGNORECASE)
_PROOF_BYTES_MAX: Final = 8_192


def client_proof(exchange: Exchange, form: Form) -> ClientProof:
    """Return how the client proves who it is.

    Raises:
        InvalidClient: it does not, or not in a well-formed way.
        InvalidTokenRequest: by more than one method, or as two clients.
    """
    client_id, secret = form.get("client_id"), form.get("client_secret")
    assertion = form.get("client_assertion")
    given = exchange.headers.get(b"authorization", ())
    if len(given) + (secret is not None) + (assertion is not None) > 1:
        raise InvalidTokenRequest("Send one proof of the client, by one method.")
    if given:
        name, secret = _basic(given[0])
        if client_id not in {None, name}:
            raise InvalidTokenRequest("The header and client_id name two clients.")
        client_id = name
    if form.get("client_assertion_type", ASSERTION_TYPE) != ASSERTION_TYPE:
        raise InvalidTokenRequest(f"The client_assertion_type must be {ASSERTION_TYPE}.")
    if assertion is not None and "client_assertion_type" not in form:
        raise InvalidTokenRequest("The parameter client_assertion_type is missing.")
    if secret is None and assertion is None:
        raise InvalidClient("Send a proof of the client: a secret, or an assertion.")
    return ClientProof(
        client_id=client_id,
        secret=None if secret is None else Secret(secret),
        assertion=None if assertion is None else Secret(assertion),
    )


def _basic(value: bytes) -> tuple[str, str]:
    """Return id and secret, each of which RFC 6749 section 2.3.1 wants encoded as in a form."""
    match = _BASIC.fullmatch(value.strip())
    try:
        text = base64.b64decode(match[1] if match else b"!", validate=True).decode("utf-8")
        name, separator, secret = text.partition(":")
        found = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except (ValueError, binascii.Error):
        separator, found = "", ("", "")
    if not separator:
        raise InvalidClient("The Authorization header is not that of one client.")
    return found


def key_proof(exchange: Exchange) -> Proof | None:
    """Return the proof of a key that the request brings; None: it brings none.

    Raises:
        InvalidTokenRequest: more than one, or not one that could be good.
    """
    given = exchange.headers.get(b"dpop", ())
    if not given:
        return None
    if len(given) != 1 or len(given[0]) > _PROOF_BYTES_MAX or not given[0].isascii():
        raise InvalidTokenRequest("Send one proof as DPoP.")
    return Proof(text=given[0].decode("ascii"), method=exchange.method, path=exchange.path)
