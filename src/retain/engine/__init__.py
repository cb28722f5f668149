"""Two engines that read the same declarations: the reference defines them, the kernel is fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retain.registry import Registry

if TYPE_CHECKING:
    from retain.engine.panel import Engine


def _kernel() -> Engine:
    from retain.engine import kernel  # noqa: PLC0415  # loaded when asked for

    return kernel.compute


def _reference() -> Engine:
    from retain.engine import reference  # noqa: PLC0415  # loaded when asked for

    return reference.compute


ENGINES: Registry[Engine] = Registry("engine", "retain.engines", {"kernel": _kernel, "reference": _reference})
"""Every engine by its name."""
