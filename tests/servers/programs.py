"""Programs that tests run to their end, beside an event loop that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a program ended, and what it said."""

    code: int
    output: str
    complaints: str


async def run_program(*command: str, cwd: Path, environment: Mapping[str, str]) -> Done:
    """Run a program without input and return how it ended.

    The event loop goes on meanwhile: a gateway that is asked may run in it. A test that is stopped
    takes the program with it.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Done(
        code=process.returncode,
        output=output.decode(errors="replace"),
        complaints=complaints.decode(errors="replace"),
    )
