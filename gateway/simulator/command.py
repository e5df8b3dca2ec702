"""What `xtream-gateway simulate-panel` does."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.simulator.clock import ClockKind
from gateway.simulator.listening import server_context
from gateway.simulator.running import running_simulator


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The command's options; a seed left out is drawn and printed."""

    bind: str = "127.0.0.1:25461"
    control: str | None = None
    profile: str = "v2"
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    clock: ClockKind = "wall"
    state: Path | None = None
    tls_cert: Path | None = None
    """PEM file; with it the panel speaks HTTPS."""
    tls_key: Path | None = None
    """PEM file; None: the key is in `tls_cert`."""

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context that the options ask for."""
        if self.tls_cert is None:
            if self.tls_key is not None:
                raise ValueError("A TLS key needs its certificate.")
            return None
        return server_context(self.tls_cert, self.tls_key)


async def simulate_panel(options: SimulatorOptions) -> None:
    """Serve a simulated panel until cancelled; say where, and with which seed."""
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    async with running_simulator(
        options.bind,
        options.control,
        profile=options.profile,
        state=options.state,
        seed=seed,
        clock=options.clock,
        settings=options.settings,
        tls=options.tls(),
    ) as simulator:
        lines = [f"Panel:   {simulator.base_url} (profile {options.profile}, seed {seed})"]
        if simulator.control_url is not None:
            lines.append(f"Control: {simulator.control_url}")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
