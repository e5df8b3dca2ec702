"""A process takes work, drains, and is cut off; it only goes on."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.errors import ServiceUnavailable
from gateway.services.lifecycle import Lifecycle
from tests.workers.virtual_time import run_virtually


def test_it_takes_work_then_drains_then_is_cut_off() -> None:
    async def run() -> None:
        lifecycle = Lifecycle()
        lifecycle.refuse_while_draining()
        assert (lifecycle.is_draining, lifecycle.is_cut_off) == (False, False)
        assert lifecycle.seconds_left(7.0) == 7.0
        lifecycle.drain(30.0)
        await lifecycle.until_draining()
        with pytest.raises(ServiceUnavailable) as caught:
            lifecycle.refuse_while_draining()
        assert caught.value.retry_after_seconds == 2
        with pytest.raises(ServiceUnavailable):
            lifecycle.refuse_changes_at_the_end()
        await asyncio.sleep(10)
        lifecycle.drain(600.0)  # A second signal gives no more time.
        assert lifecycle.seconds_left(7.0) == pytest.approx(20.0)
        assert not lifecycle.is_cut_off
        await lifecycle.until_cut_off()
        assert asyncio.get_running_loop().time() == pytest.approx(30.0)
        await asyncio.sleep(10)
        assert lifecycle.seconds_left(7.0) == 0.0

    run_virtually(run())


def test_changes_are_taken_until_everybody_could_notice() -> None:
    async def run() -> None:
        lifecycle = Lifecycle()
        lifecycle.drain(30.0, notice_seconds=5.0)
        with pytest.raises(ServiceUnavailable):
            lifecycle.refuse_while_draining()
        await asyncio.sleep(4.9)
        lifecycle.refuse_changes_at_the_end()
        await asyncio.sleep(0.2)
        with pytest.raises(ServiceUnavailable):
            lifecycle.refuse_changes_at_the_end()

    run_virtually(run())
