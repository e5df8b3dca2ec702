"""The authorization server's ports, as its services reach them."""

from __future__ import annotations

from gateway.services.context import Ports
from gateway.services.ports.oauth import OAuth


def authority_of(ports: Ports) -> OAuth:
    """Return what tokens are made and read with.

    Raises:
        RuntimeError: this process was built without; it has no route that gets here.
    """
    if ports.oauth is None:
        raise RuntimeError("this process issues no tokens")
    return ports.oauth
