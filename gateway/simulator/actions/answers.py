"""The answers that several calls share."""

from __future__ import annotations

from typing import Final

from gateway.simulator.php import PhpArray

DONE: Final[PhpArray] = {"result": True}
NOT_DONE: Final[PhpArray] = {"result": False}


def refused(error: str) -> PhpArray:
    """Return the answer of a call that failed for the reason *error*."""
    return {"result": False, "error": error}


EXISTS: Final = refused("EXISTS")
NOT_EXISTS: Final = refused("NOT EXISTS")
PARAMETER_ERROR: Final = refused("PARAMETER ERROR")
NO_USER: Final = refused("PARAMETER ERROR (user/pass)")
NO_MAC: Final = refused("PARAMETER ERROR (mac)")
NO_AMOUNT: Final = refused("PARAMETER ERROR (amount & id||username)")
