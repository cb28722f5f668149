"""What `retain init` writes of attributes of customers, and of labels that they come with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from retain.events.attributes import NEVER, TABLE
from retain.events.schemas import SCHEMAS, Kind
from retain.events.synonyms import best_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retain.events.look import ColumnLook, Look

_HOLDS = {Kind.NUMBER: "number", Kind.TIME: "date"}
_CONTACT = ("consent_email", "consent_sms", "consent_phone", "consent_post", "do_not_contact")


def is_given(found: Look) -> bool:
    """Whether the tables have labels and no orders."""
    customers = found.tables.get(TABLE)
    dated = {"orders", "contracts"} & set(found.tables)
    return customers is not None and not dated and "label" in _ours(found).values()


def notes_left(found: Look) -> list[str]:
    """The notes, without that on columns that are admitted."""
    if not is_given(found):
        return list(found.notes)
    about = f"'{found.tables[TABLE].path}' as {TABLE}: not used: "
    return [one for one in found.notes if not one.startswith(about)]


def static_lines(found: Look) -> list[str]:
    """The columns that may become features: admitted where labels are given, else as remarks."""
    admitted = list(_admitted(found))
    if not admitted:
        return []
    mark = "" if is_given(found) else "# "
    head = "these become features though nothing says since when they have been so: they may know the outcome"
    return [
        "",
        f"{mark}[source.tables.{TABLE}.static]    # {head}",
        *(f'{mark}{name} = "{holds}"' for name, holds in admitted),
    ]


def given_lines(found: Look) -> list[str]:
    """The definition of churn by a label, and what customers bring."""
    numbers = {one.name: one.kind for one in _columns(found) if one.kind is Kind.NUMBER}
    monthly = best_column("contracts", "monthly_price", Kind.MONEY, numbers)
    value = (
        f"monthly = {json.dumps(monthly, ensure_ascii=False)}    # what a customer pays a month"
        if monthly
        else "fixed = 0.0    # revenue over horizon_days that is assumed of everybody; 0: not known"
    )
    return [
        "[churn]",
        'definition = "given"       # the column label says who churned; there are no cutoffs',
        "",
        "[value]",
        value,
        "",
    ]


def _columns(found: Look) -> tuple[ColumnLook, ...]:
    path = found.tables[TABLE].path
    return next(one for one in found.files if one.path == path).columns


def _ours(found: Look) -> dict[str, str]:
    """The file's columns that the contract knows, by its names for them."""
    named = {theirs: ours for ours, theirs in found.tables[TABLE].columns.items()}
    known = SCHEMAS[TABLE].by_name
    return {
        one.name: ours
        for one in _columns(found)
        if (ours := named.get(one.name, one.name.casefold())) in known
    }


def _admitted(found: Look) -> Iterator[tuple[str, str]]:
    """Keys as TOML writes them, and what each column holds; neither names nor consents, nor what is different in most rows."""
    if TABLE not in found.tables:
        return
    ours = _ours(found)
    rows = next(one for one in found.files if one.path == found.tables[TABLE].path).rows
    for one in _columns(found):
        name = ours.get(one.name)
        if name in (*NEVER, *_CONTACT):
            continue
        if name is not None:
            yield name, "auto"
        elif one.kind in _HOLDS or one.distinct <= rows / 2:
            yield _key(one.name), _HOLDS.get(one.kind, "category")


def _key(name: str) -> str:
    """A TOML key: bare where it can be."""
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)
