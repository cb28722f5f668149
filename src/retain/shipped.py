"""The configuration files that come with retain: where they are, in a wheel or in the repository."""

from __future__ import annotations

from pathlib import Path

from retain.errors import ConfigError, did_you_mean

_HERE = Path(__file__).resolve().parent
_FOLDERS = (_HERE / "configs", _HERE.parents[1] / "configs")
"""A wheel carries the repository's configs/ inside the package; a checkout has it at its root."""


def shipped(name: str) -> Path:
    """The path of a shipped configuration file.

    Args:
        name: its path below ``configs/``, such as ``playbook.toml``.

    Raises:
        ConfigError: no such file is shipped; the message lists those that are.

    >>> shipped("playbook.toml").name
    'playbook.toml'
    """
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"retain ships no configuration '{name}'. {did_you_mean(name, _names())}")


def _names() -> tuple[str, ...]:
    return tuple(
        one.relative_to(folder).as_posix() for folder in _FOLDERS for one in sorted(folder.rglob("*.toml"))
    )
