"""Where the authorization server's endpoints and documents are, below our public URL."""

from __future__ import annotations

from typing import Final

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
REVOKE_PATH: Final = "/oauth/revoke"
INTROSPECT_PATH: Final = "/oauth/introspect"
SERVER_PATH: Final = "/.well-known/oauth-authorization-server"
RESOURCE_PATH: Final = "/.well-known/oauth-protected-resource"
KEYS_PATH: Final = "/.well-known/jwks.json"
