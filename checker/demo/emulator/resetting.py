"""Empties the emulated AWS: every account, and all that the emulator was set to."""

from __future__ import annotations

from moto.moto_api._internal.models import moto_api_backend

from checker.demo.emulator.world import World


def reset(world: World) -> None:
    """Forget all accounts, which moto keeps for the whole process, and set the world back to how it starts."""
    moto_api_backend.reset()
    world.restore()
