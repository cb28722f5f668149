"""The command line and the settings as pages of the manual, written from what they describe."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from retain.cli.app import BUG, INTERRUPTED, app
from retain.config import Config
from retain.engine import ENGINES
from retain.engine.views import VIEWS
from retain.errors import UserError
from retain.features.catalog import FAMILIES
from retain.features.spec import How
from retain.labels import LABELS
from retain.modelling.learners import LEARNERS
from retain.scoring.languages import CUSTOMER, LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

_VALUES = {str: "TEXT", int: "NUMBER", Path: "PATH"}
_TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false"}
_ITEMS = {str: "texts"}
_FOUND: dict[tuple[type, str], str] = {(Config, "name"): "the file's name"}
"""Defaults that are worked out when the file is read."""


def verbs() -> str:
    """Every verb with its help, examples, arguments and options, as Markdown."""
    root: Any = get_command(app)
    parts = [f"## Options that every verb takes\n\n{_parameters(root)}"]
    for path, verb in leaves(root):
        usage = " ".join(_usage(one) for one in verb.params)
        head = f"## {path[0]}" if len(path) == 1 else f"### {' '.join(path)}"
        if len(path) > 1 and f"## {path[0]}" not in parts:
            parts += [f"## {path[0]}", root.commands[path[0]].help]
        call = " ".join(["retain", *path, usage]).rstrip()
        parts += [head, f"`{call}`", verb.help.strip(), _parameters(verb)]
    return "\n\n".join(one for one in parts if one) + "\n"


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb below a group and the words that lead to it; a group's own verbs follow its name."""
    for name, one in getattr(command, "commands", {}).items():
        if hasattr(one, "commands"):
            yield from leaves(one, (*path, name))
        else:
            yield (*path, name), one


def _usage(parameter: Any) -> str:
    """How a call writes the parameter; what may be left out stands in brackets."""
    return _written(parameter) if parameter.required else f"[{_written(parameter)}]"


def _written(parameter: Any) -> str:
    """An argument by its name; an option with what stands for its value, if it takes one."""
    if parameter.param_type_name == "argument":
        return str(parameter.name.upper())
    if parameter.is_flag:
        return str(parameter.opts[0])
    return f"{parameter.opts[0]} {_VALUES[parameter.type_descriptor.annotation]}"


def _parameters(command: Any) -> str:
    """The table of a command's arguments and options; nothing where it has none."""
    rows = []
    for one in command.params:
        default = "" if one.default in (None, False) else f"`{one.default}`"
        rows.append(f"| `{_written(one)}` | {'required' if one.required else default} | {one.help} |")
    return "\n".join(["| option | default | meaning |", "|---|---|---|", *rows]) if rows else ""


def exit_codes() -> str:
    """Every exit code and its meaning, as a Markdown table."""
    codes = {0: "success", BUG: "a defect of retain: please report it", INTERRUPTED: "stopped with Ctrl-C"}
    codes |= {one.exit_code: one.meaning for one in _kinds(UserError)}
    rows = [f"| {code} | {meaning} |" for code, meaning in sorted(codes.items())]
    return "\n".join(["| code | meaning |", "|---|---|", *rows]) + "\n"


def _kinds(mistake: type[UserError]) -> Iterator[type[UserError]]:
    """The mistake and all kinds of it."""
    yield mistake
    for one in mistake.__subclasses__():
        yield from _kinds(one)


def settings() -> str:
    """Every section and key of the configuration with type, default and meaning, as Markdown."""
    parts = []
    for section, kind in sections():
        about = _about(kind)
        keys = [one for one in keys_of(kind) if not _is_section(kind, one.name)]
        hints = _hints(kind)
        rows = [
            f"| `{one.name}` | {_type(hints[one.name])} | {_default(kind, one)} | {about[one.name]} |"
            for one in keys
        ]
        head = f"## `[{section}]`" if section else "## Top of the file"
        first = inspect.getdoc(kind) or ""
        sentence = first.splitlines()[0].split(": the ``[")[0].rstrip(".")
        parts.append(
            "\n".join(
                [
                    head,
                    "",
                    f"{sentence}.",
                    "",
                    "| key | type | default | meaning |",
                    "|---|---|---|---|",
                    *rows,
                ]
            )
        )
    return "\n\n".join(parts) + "\n"


def names() -> str:
    """The names that settings may hold, as a Markdown table."""
    known = {
        "`[churn] definition`": LABELS.names(),
        "`[features] families`": tuple(FAMILIES),
        "`[features] engine`": ENGINES.names(),
        "`[features.own.NAME] how`": tuple(How),
        "`[training] learners`": LEARNERS.names(),
        "`[reasons] language`": (*LANGUAGES, CUSTOMER),
    }
    rows = [f"| {key} | {', '.join(f'`{one}`' for one in choices)} |" for key, choices in known.items()]
    return "\n".join(["| setting | names |", "|---|---|", *rows]) + "\n"


def views() -> str:
    """Every view and the columns that a feature of one's own may read of it, as a Markdown table."""

    def listed(columns: frozenset[str]) -> str:
        return ", ".join(f"`{one}`" for one in sorted(columns))

    rows = [
        f"| `{name}` | {listed(one.numbers)} | {listed(one.categories)} | {listed(one.flags)} |"
        for name, one in VIEWS.items()
    ]
    return (
        "\n".join(["| `view` | numbers | categories | yes or no (`where`) |", "|---|---|---|---|", *rows])
        + "\n"
    )


def sections() -> Iterator[tuple[str, type]]:
    """Every section of the configuration, the file's top first, and the class that holds it."""
    yield from _below(Config, "")


def _below(kind: type, place: str) -> Iterator[tuple[str, type]]:
    yield place, kind
    hints = _hints(kind)
    for one in keys_of(kind):
        if _is_section(kind, one.name):
            hint = hints[one.name]
            named = typing.get_origin(hint) is Mapping
            inner = typing.get_args(hint)[1] if named else hint
            yield from _below(inner, ".".join(filter(None, [place, one.name, "NAME" if named else ""])))


def keys_of(kind: type) -> list[Any]:
    """The fields of a settings class that a file may name."""
    return [one for one in fields(kind) if one.name != "base"]


def _is_section(kind: type, name: str) -> bool:
    """Whether the key opens a section of its own, or several."""
    hint = _hints(kind)[name]
    named = typing.get_args(hint)[1] if typing.get_origin(hint) is Mapping else None
    return is_dataclass(hint) or is_dataclass(named)


def _hints(kind: type) -> dict[str, Any]:
    # Settings modules import these for type checkers only.
    return typing.get_type_hints(kind, localns={"Mapping": Mapping, "Path": Path})


def _type(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin is tuple:
        return "list of " + _ITEMS[typing.get_args(hint)[0]]
    return "table" if origin in (Mapping, UnionType) else _TYPES[hint]


def _default(kind: type, one: Any) -> str:
    """The default as TOML writes it."""
    if (kind, one.name) in _FOUND:
        return _FOUND[kind, one.name]
    if one.default_factory is not MISSING:
        return "`{}`"
    if one.default is MISSING:
        return "required"
    if one.default is None:
        return "none"
    if isinstance(one.default, tuple):
        return f"`[{', '.join(_toml(each) for each in one.default)}]`"
    return f"`{_toml(one.default)}`"


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _about(kind: type) -> dict[str, str]:
    """What the docstrings of the class and of those it extends say of each attribute."""
    sections = [
        (inspect.getdoc(one) or "").split("Attributes:\n", 1)[1]
        for one in reversed(kind.__mro__)
        if is_dataclass(one)
    ]
    entries = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", "\n".join(sections), re.MULTILINE)
    return {name: re.sub(r"\s+", " ", words).replace("``", "`") for name, words in entries}
