"""Reasons in six languages: nothing is left out, placeholders agree, and numbers are written as the language writes them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib.resources import files
from itertools import product
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.errors import UsageError
from retain.events.store import Column, EventTable
from retain.features.catalog import EVERY
from retain.scoring.hints import levers_of
from retain.scoring.languages import (
    LANGUAGES,
    PLURALS,
    Language,
    ReasonSettings,
    language,
    languages_of,
    nearest,
)
from retain.scoring.reasons import topics_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from retain.events.store import EventStore
    from retain.features.spec import Feature

each_language = pytest.mark.parametrize("code", LANGUAGES)
each_translation = pytest.mark.parametrize("code", [one for one in LANGUAGES if one != "en"])
each_feature = pytest.mark.parametrize("feature", EVERY.features, ids=lambda one: one.name)

SPACE = "\N{NO-BREAK SPACE}"


def braces(phrase: str) -> dict[str, str]:
    """What each placeholder of the phrase is shown as: how often is a matter of the language, so no noun is told from a number."""
    shown = {name: spec or "" for _, name, spec, _ in Formatter().parse(phrase) if name}
    counts = {one for one in language("en").forms if one not in ("days", "interval", "hour")} | {".0f"}
    return {name: "count" if spec in counts else spec for name, spec in shown.items()}


def figures(phrase: str) -> list[str]:
    """The figures outside braces, in any order."""
    outside = "".join(text for text, *_ in Formatter().parse(phrase))
    return sorted(one.replace(",", ".") for one in re.findall(r"\d+(?:[.,]\d)?", outside))


@each_translation
def test_every_feature_has_its_phrase(code: str) -> None:
    """And nothing is there that is no feature."""
    assert language(code).phrases.keys() == set(EVERY.names)


def test_english_phrases_stand_with_the_features_only() -> None:
    """One place for each."""
    assert language("en").phrases == {}


@each_translation
def test_a_phrase_shows_what_the_english_one_shows(code: str) -> None:
    """The same features, as the same kinds of thing, and the same figures in the words around them."""
    ours = {one.name: language(code).phrase(one) for one in EVERY.features}
    english = {one.name: one.phrase for one in EVERY.features}
    assert {name: braces(one) for name, one in ours.items()} == {
        name: braces(one) for name, one in english.items()
    }
    assert {name: figures(one) for name, one in ours.items()} == {
        name: figures(one) for name, one in english.items()
    }


@each_feature
def test_every_phrase_can_be_said(feature: Feature) -> None:
    """In every language, of ordinary values, without a brace or a doubled space."""
    ordinary = (0.0, 0.4, 1.0, 2.0, 5.0, 21.0, 1234.5)
    # A category has no values but the places of its words.
    places = ordinary if feature.levels is None else range(1, len(feature.levels) + 1)
    for code, value in product(LANGUAGES, map(float, places)):
        said = language(code).say(feature, dict.fromkeys(EVERY.names, value), "EUR")
        assert said, code
        assert said == said.strip(), code
        assert not re.search(r"[{}]| {2}|: $", said), said


@each_feature
def test_one_thing_is_not_in_the_plural(feature: Feature) -> None:
    """In English, where it shows in the last letter."""
    said = language("en").say(feature, dict.fromkeys(EVERY.names, 1.0))
    assert not re.search(r"\b1 \w+s\b", said), said


@each_translation
def test_a_file_has_the_parts_of_the_english_one(code: str) -> None:
    """Each topic, lever, form and pattern, and no other; patterns have the same braces."""
    english, ours = language("en"), language(code)
    assert ours.writing.keys() == english.writing.keys()
    assert ours.topics.keys() == english.topics.keys()
    assert ours.unknown.keys() == english.unknown.keys()
    assert ours.levers.keys() == english.levers.keys()
    assert ours.forms.keys() == english.forms.keys()
    for mine, theirs in ((ours.said, english.said), (ours.action, english.action)):
        assert {name: set(braces(one)) for name, one in mine.items()} == {
            name: set(braces(one)) for name, one in theirs.items()
        }


def test_every_topic_and_lever_has_words() -> None:
    """Those of the catalogue, and words for no topic that does not exist."""
    english = language("en")
    assert english.topics.keys() == set(topics_of(EVERY))
    assert english.unknown.keys() <= english.topics.keys()
    assert english.levers.keys() == set(levers_of(EVERY))


@each_language
def test_the_words_are_in_the_language_s_own_letters(code: str) -> None:
    """No phrase was left in English, and no letter of another alphabet slipped into a word."""
    wanted = {"en": r"[A-Za-z]", "zh-Hant": r"[\u4e00-\u9fff]"}.get(code, r"[\u0400-\u04ff]")
    for feature in EVERY.features:
        outside = "".join(text for text, *_ in Formatter().parse(language(code).phrase(feature)))
        assert re.search(wanted, outside)
        if code != "en":
            assert not re.search(r"[A-Za-z]", outside)


LETTERS = {
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
    "kk": "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя",
}


@pytest.mark.parametrize("code", LETTERS)
def test_no_letter_is_of_a_neighbour_s_alphabet(code: str) -> None:
    """A Russian letter in a Ukrainian word is a slip of the keyboard or of the mind."""
    text = (files("retain.scoring") / "words" / f"{code}.toml").read_text(encoding="utf-8").lower()
    assert set(re.findall(r"[\u0400-\u04ff]", text)) <= set(LETTERS[code])


def test_chinese_is_in_traditional_characters() -> None:
    """None of the commonest simplified forms that differ."""
    text = (files("retain.scoring") / "words" / "zh-Hant.toml").read_text(encoding="utf-8")
    simplified = (
        "单订顾险货买卖价质发邮开关时间为与这个们来对应问题处话语级类数该说过还没经动态众门东车书长员见页飞"
    )
    assert not set(simplified) & set(text)


# CLDR 47, plurals.xml: whole numbers and their categories.
PLURAL_SAMPLES = {
    "en": {"one": [1], "other": [0, 2, 5, 11, 21, 101, 1000]},
    "zh-Hant": {"other": [0, 1, 2, 5, 21, 1000]},
    "ru": {"one": [1, 21, 31, 101, 1001], "few": [2, 3, 4, 22, 104], "many": [0, 5, 11, 12, 14, 19, 100, 111, 1000]},
    "kk": {"one": [1], "other": [0, 2, 5, 11, 21, 101]},
    "bg": {"one": [1], "other": [0, 2, 5, 11, 21, 101]},
    "uk": {"one": [1, 21, 31, 101, 1001], "few": [2, 3, 4, 22, 104], "many": [0, 5, 11, 12, 14, 19, 100, 111, 1000]},
}  # fmt: skip


@each_language
def test_plural_categories_are_those_of_cldr(code: str) -> None:
    """For its own samples of whole numbers."""
    category, all_of_them = PLURALS[code]
    assert {
        name: [n for n in numbers if category(n) == name] for name, numbers in PLURAL_SAMPLES[code].items()
    } == (PLURAL_SAMPLES[code])
    assert set(all_of_them) == PLURAL_SAMPLES[code].keys()


@pytest.mark.parametrize(
    ("code", "form", "value", "said"),
    [
        ("en", "days", 0.4, "less than a day"),
        ("en", "days", 1.4, "1 day"),
        ("en", "days", 1234.5, "1,234 days"),
        ("en", "order", 0.0, "no orders"),
        ("en", "order", 1234.0, "1,234 orders"),
        ("en", "interval", 0.3, "day"),
        ("en", "interval", 1.4, "day"),
        ("en", "interval", 21.4, "21 days"),
        ("en", "hour", 0.3, "less than an hour"),
        ("ru", "days", 0.4, "менее суток"),
        ("ru", "days", 21.0, "21 день"),
        ("ru", "days", 74.0, "74 дня"),
        ("ru", "days", 111.0, "111 дней"),
        ("ru", "interval", 1.0, "день"),
        ("ru", "message", 0.0, "ни одного сообщения"),
        ("uk", "hour", 2.0, "2 години"),
        ("uk", "complaint", 12.0, "12 скарг"),
        ("bg", "hour", 5.0, "5 часа"),
        ("bg", "product", 1.0, "1 продукт"),
        ("kk", "order", 21.0, "21 тапсырыс"),
        ("zh-Hant", "order", 3.0, "有 3 筆訂單"),
        ("zh-Hant", "interval", 1.0, "天"),
    ],
)
def test_things_are_counted_as_a_person_would(code: str, form: str, value: float, said: str) -> None:
    """In the plural that the number asks for; nothing, one and less than one where they have words of their own."""
    assert language(code).counted(form, value) == said


@pytest.mark.parametrize(
    ("code", "spec", "value", "said"),
    [
        ("en", ",.0f", 1234.56, "1,235"),
        ("en", ".0%", 0.256, "26%"),
        ("en", "+.1f", -0.04, "0.0"),
        ("en", "+.0%", 0.2, "+20%"),
        ("ru", ",.1f", 1234.56, f"1{SPACE}234,6"),
        ("ru", ".0%", 0.256, f"26{SPACE}%"),
        ("ru", "+.1f", -0.26, "-0,3"),
        ("uk", ".0%", 0.256, "26%"),
        ("kk", ",.0f", 1234567.0, f"1{SPACE}234{SPACE}567"),
        ("bg", ".2f", 0.5, "0,50"),
        ("zh-Hant", ",.1f", 1234.56, "1,234.6"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(
    code: str, spec: str, value: float, said: str
) -> None:
    """Marks and blanks as in CLDR; a rounded nothing has no sign."""
    assert language(code).number(value, spec) == said


@pytest.mark.parametrize(
    ("code", "currency", "said"),
    [
        ("en", "", "1,234"),
        ("en", "GBP", "£1,234"),
        ("en", "£", "£1,234"),
        ("en", "SEK", f"SEK{SPACE}1,234"),
        ("zh-Hant", "TWD", "NT$1,234"),
        ("ru", "RUB", f"1{SPACE}234{SPACE}₽"),
        ("uk", "UAH", f"1{SPACE}234{SPACE}₴"),
        ("kk", "KZT", f"1{SPACE}234{SPACE}₸"),
        ("bg", "EUR", f"1{SPACE}234{SPACE}€"),
        ("bg", "SEK", f"1{SPACE}234{SPACE}SEK"),
    ],
)
def test_money_is_written_as_the_language_writes_it(code: str, currency: str, said: str) -> None:
    """With the sign on its side, close or apart; a currency without a sign by its code."""
    assert language(code).money(1234.4, currency) == said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", "no order for 74 days; usually every 21 days"),
        ("zh-Hant", "距上次下單 74 天\N{FULLWIDTH SEMICOLON}平常每 21 天下單一次"),
        ("ru", "нет заказов 74 дня; обычно заказывает раз в 21 день"),
        ("kk", "тапсырыс болмағанына 74 күн болды; әдетте 21 күн сайын тапсырыс береді"),
        ("bg", "без поръчка от 74 дни; обикновено поръчва веднъж на 21 дни"),
        ("uk", "немає замовлень 74 дні; зазвичай замовляє раз на 21 день"),
    ],
)
def test_silence_is_told_with_the_customer_s_rhythm(code: str, said: str) -> None:
    """The sentence that most reasons are."""
    values = {"recency_days": 74.0, "gap_days_median": 21.0}
    assert language(code).say(EVERY.by_name["overdue_ratio"], values) == said


def test_a_phrase_needs_the_numbers_that_it_mentions() -> None:
    """And no others."""
    with pytest.raises(KeyError, match="gap_days_median"):
        language("en").say(EVERY.by_name["overdue_ratio"], {"recency_days": 74.0})


def test_a_form_without_a_category_is_refused() -> None:
    """Which one it is, is said."""
    with pytest.raises(ValueError, match=r"^ru: the form 'order' lacks few, many$"):
        replace(language("ru"), forms={"order": {"one": "{n} заказ"}})


@pytest.mark.parametrize("made", [language, ReasonSettings])
def test_a_language_without_words_is_refused(made: Callable[[str], object]) -> None:
    """With the nearest one, or all there are."""
    with pytest.raises(UsageError, match=r"^Reasons are not told in 'zh-Hans'\. Did you mean 'zh-Hant'\?$"):
        made("zh-Hans")
    with pytest.raises(UsageError, match=r"'fr'\. Choose one of: bg, customer, en, kk, ru, uk, zh-Hant\.$"):
        made("fr")


def test_the_customer_s_own_language_is_a_setting() -> None:
    """Though there is no file of that name."""
    assert ReasonSettings("customer").language == "customer"


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        *((one, one) for one in LANGUAGES),
        ("zh-TW", "zh-Hant"),
        ("yue-Hant-HK", "zh-Hant"),
        ("EN_gb", "en"),
        ("rus", "ru"),
        ("de", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_a_customer_s_language_is_the_nearest_there_is(stated: str | None, told: str) -> None:
    """By its base; English where there is none."""
    assert nearest(stated) == told


def with_languages(store: EventStore, stated: dict[str, str | None]) -> EventStore:
    """The store with a customers table that says these languages of some customers."""
    rows = sorted(store.customer_ids.tolist().index(one) for one in stated)
    said = [stated[str(store.customer_ids[row])] for row in rows]
    levels = sorted({one for one in said if one is not None})
    codes = np.array([-1 if one is None else levels.index(one) for one in said], dtype=np.int32)
    nothing = np.zeros(len(rows), dtype=np.int64)
    column = Column(codes, np.array(levels, dtype=object))
    table = EventTable(np.array(rows), nothing, nothing, {"language": column})
    return replace(store, tables={**store.tables, "customers": table})


def codes_of(store: EventStore, setting: str) -> list[str]:
    """The language of each customer."""
    return [one.code for one in languages_of(store, np.arange(len(store.customer_ids)), setting)]


def test_each_customer_s_reasons_are_in_their_own_language(orders: Callable[..., EventStore]) -> None:
    """As the customers table says; English where it does not, and the one language of the setting for all."""
    text = "customer_id ordered_at\n" + "\n".join(f"{one} 2024-05-01" for one in "abcd")
    store = orders(text)
    told = with_languages(store, {"b": "uk-UA", "c": None, "d": "zh-Hant"})
    assert codes_of(told, "customer") == ["en", "uk", "en", "zh-Hant"]
    assert codes_of(told, "kk") == ["kk"] * 4
    assert codes_of(store, "customer") == ["en"] * 4
    assert (
        codes_of(
            replace(told, tables={"customers": replace(told.tables["customers"], columns={})}), "customer"
        )
        == ["en"] * 4
    )


@each_language
def test_a_file_can_be_read_by_whoever_checks_it(code: str) -> None:
    """It is TOML with the sections of the page, and begins with the language's name."""
    text = (files("retain.scoring") / "words" / f"{code}.toml").read_text(encoding="utf-8")
    assert re.match(r"# [A-Z]", text)
    assert set(tomllib.loads(text)) == set(Language.__annotations__) - {"code"}
