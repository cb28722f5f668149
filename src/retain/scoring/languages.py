"""The languages that reasons are told in: their words, plural forms, numbers and money, from files that a translator can check."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from retain.errors import UsageError, did_you_mean
from retain.features.attributes import plain_phrase
from retain.features.spec import Attribute
from retain.text.language import base_language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from retain.events.store import EventStore, IntArray
    from retain.features.spec import Feature

LANGUAGES = ("en", "zh-Hant", "ru", "kk", "bg", "uk")
"""Each has a file in ``words``."""
DEFAULT = "en"
CUSTOMER = "customer"
"""The setting that tells each customer's reasons in the language of the customers table."""
_BASES = {one.split("-")[0]: one for one in LANGUAGES}
_NARROW = "\N{NO-BREAK SPACE}"


def _one_or_other(n: int) -> str:
    return "one" if n == 1 else "other"


def _one_few_many(n: int) -> str:
    if n % 10 == 1 and n % 100 != 11:
        return "one"
    return "few" if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else "many"


def _always_other(_: int) -> str:
    return "other"


PLURALS: Mapping[str, tuple[Callable[[int], str], tuple[str, ...]]] = {
    "en": (_one_or_other, ("one", "other")),
    "zh-Hant": (_always_other, ("other",)),
    "ru": (_one_few_many, ("one", "few", "many")),
    "kk": (_one_or_other, ("one", "other")),
    "bg": (_one_or_other, ("one", "other")),
    "uk": (_one_few_many, ("one", "few", "many")),
}
"""The plural category of a whole number by the rules of CLDR, and the categories that there are."""


@dataclass(frozen=True)
class Language:
    """How one language tells a reason.

    Attributes:
        code: one of ``LANGUAGES``.
        writing: ``decimal``, ``group``, ``percent`` and the pattern ``money``.
        symbols: of currencies by their codes; a currency without one is written by its code.
        said: the patterns ``up``, ``down``, ``unknown``, ``hint`` and the sentence ``caveat``.
        action: why an action is recommended: each tier, each signal, what stopped another action, and what parts and ends them.
        topics: what each topic is called.
        unknown: what to say of a topic while its features are not known.
        forms: what is counted, by plural category; ``=0`` and ``=1`` are exactly so many, ``less`` is less than one.
        phrases: of features by their names; English ones stand with the features.
        levers: what could have been done better, by lever.
    """

    code: str
    writing: Mapping[str, str]
    symbols: Mapping[str, str]
    said: Mapping[str, str]
    action: Mapping[str, str]
    topics: Mapping[str, str]
    unknown: Mapping[str, str]
    forms: Mapping[str, Mapping[str, str]]
    phrases: Mapping[str, str]
    levers: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse a form that lacks a plural category."""
        for name, forms in self.forms.items():
            lacking = [one for one in PLURALS[self.code][1] if one not in forms]
            if lacking:
                raise ValueError(f"{self.code}: the form '{name}' lacks {', '.join(lacking)}")

    def phrase(self, feature: Feature) -> str:
        """How the feature is said in this language, with its braces."""
        if self.code == DEFAULT:
            return feature.phrase
        # No translator can know what a company's own columns and features are called.
        if isinstance(feature.formula, Attribute):
            return plain_phrase(feature)
        return self.phrases.get(feature.name, feature.phrase)

    def say(self, feature: Feature, values: Mapping[str, float], currency: str = "") -> str:
        """The feature's phrase with a customer's values, of which all that are mentioned have to be known.

        >>> from retain.features.catalog import EVERY
        >>> overdue = {"recency_days": 74.0, "gap_days_median": 21.0}
        >>> language("en").say(EVERY.by_name["overdue_ratio"], overdue)
        'no order for 74 days; usually every 21 days'
        """
        told = []
        for text, name, spec in _parsed(self.phrase(feature)):
            if name and feature.levels is not None:
                told += [text, feature.levels[int(values[name]) - 1]]
            else:
                told += [text, self.value(values[name], spec, currency) if name else ""]
        return "".join(told).strip()

    def value(self, value: float, spec: str, currency: str = "") -> str:
        """A number as ``spec`` asks for: a form, ``money``, or a format of Python's."""
        if spec in self.forms:
            return self.counted(spec, value)
        return self.money(value, currency) if spec == "money" else self.number(value, spec)

    def number(self, value: float, spec: str) -> str:
        """A number in a format of Python's with this language's marks.

        >>> language("uk").number(1234.5, ",.1f").split()
        ['1', '234,5']
        """
        text = format(float(value), spec)
        if not any(digit in text for digit in "123456789"):
            # Nothing rounded is neither above nor below nothing.
            text = text.lstrip("+-")
        marks = {",": self.writing["group"], ".": self.writing["decimal"], "%": self.writing["percent"]}
        return "".join(marks.get(sign, sign) for sign in text)

    def money(self, value: float, currency: str = "") -> str:
        """An amount without its minor units.

        >>> language("en").money(1234, "GBP"), language("ru").money(1234, "RUB").split()
        ('£1,234', ['1', '234', '₽'])
        """
        amount = self.number(value, ",.0f")
        if not currency:
            return amount
        sign = self.symbols.get(currency, currency)
        if self.writing["money"].startswith("{currency}") and sign[-1].isalnum():
            sign += _NARROW
        return self.writing["money"].format(amount=amount, currency=sign)

    def counted(self, form: str, value: float) -> str:
        """So many of something, in the plural where it has to be.

        >>> [language("ru").counted("order", n) for n in (0, 1, 3, 11, 21)]
        ['ни одного заказа', '1 заказ', '3 заказа', '11 заказов', '21 заказ']
        """
        forms = self.forms[form]
        if value < 1 and "less" in forms:
            return forms["less"]
        shown = round(value)
        pattern = forms.get(f"={shown}") or forms[PLURALS[self.code][0](abs(shown))]
        return pattern.replace("{n}", self.number(shown, ",.0f"))


@cache
def _parsed(phrase: str) -> tuple[tuple[str, str, str], ...]:
    """The phrase in pieces: words, the feature after them, and how it is shown; taken apart once, told of many customers."""
    return tuple((text, name or "", spec or "") for text, name, spec, _ in Formatter().parse(phrase))


@cache
def language(code: str) -> Language:
    """That language.

    Raises:
        UsageError: there is none of that code.
    """
    require_language(code)
    source = files("retain.scoring") / "words" / f"{code}.toml"
    values: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    return Language(code, **values)


def require_language(code: str) -> None:
    """Nothing, if reasons are told in it.

    Raises:
        UsageError: they are not.
    """
    if code not in LANGUAGES:
        raise UsageError(f"Reasons are not told in '{code}'. {did_you_mean(code, [*LANGUAGES, CUSTOMER])}")


@dataclass(frozen=True)
class ReasonSettings:
    """How reasons are told: the ``[reasons]`` part of the configuration.

    Attributes:
        language: ``en``, ``zh-Hant``, ``ru``, ``kk``, ``bg`` or ``uk``; or ``customer``: each customer's own, as the customers table
            has it.
    """

    language: str = DEFAULT

    def __post_init__(self) -> None:
        """Refuse a language without words."""
        if self.language != CUSTOMER:
            require_language(self.language)


def languages_of(store: EventStore, customers: IntArray, setting: str) -> list[Language]:
    """The language of each of these customers' reasons.

    Args:
        store: has the customers table, if there is one.
        customers: indexes in the store.
        setting: a language for all, or ``customer``.

    Returns:
        With ``customer``, English where the table has no language, or one without words.
    """
    table = store.tables.get("customers")
    if setting != CUSTOMER or table is None or "language" not in table.columns:
        return [language(DEFAULT if setting == CUSTOMER else setting)] * len(customers)
    column = table.columns["language"]
    spoken = [language(nearest(one)) for one in (() if column.levels is None else column.levels.tolist())]
    spoken.append(language(DEFAULT))
    # The last one, -1, is for those whom the table lacks and those without a language.
    codes = np.full(len(store.customer_ids), -1, dtype=np.int64)
    codes[table.customer] = column.values
    return [spoken[code] for code in codes[customers].tolist()]


def nearest(code: str | None) -> str:
    """The language that reasons are told in to somebody of that language.

    >>> nearest("zh-Hant-HK"), nearest("uk_UA"), nearest("kaz"), nearest("fr"), nearest(None)
    ('zh-Hant', 'uk', 'kk', 'en', 'en')
    """
    return _BASES.get(base_language(code) or "", DEFAULT)
