from __future__ import annotations

import numpy as np
import pytest

from retain.examples.shop import phrases, world


@pytest.mark.parametrize("number", range(len(world.LANGUAGES)), ids=world.LANGUAGES)
def test_every_language_has_something_to_say_about_everything(number: int) -> None:
    """No list is empty and no sentence stands in two places, where its polarity would be in doubt."""
    book = phrases.phrasebooks()[number]
    lists = [sentences for topics in book.says for sentences in topics]
    lists += [book.asks, book.leaves, book.foreign]
    assert all(lists)
    whole = [sentence for sentences in lists for sentence in sentences]
    assert len(set(whole)) == len(whole)
    assert all(sentence == sentence.strip() for sentence in whole)


def test_texts_say_what_was_asked_for() -> None:
    """A text begins with a sentence of its language, polarity and topic; a ticket asks; who leaves says so."""
    n = 500
    rng = np.random.default_rng(1)
    english, late = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    angry = np.full(n, phrases.NEGATIVE)
    texts = phrases.compose(rng, english, angry, late, np.ones(n, dtype=np.bool_), asks=True)
    book = phrases.phrasebooks()[0]
    first = book.says[phrases.NEGATIVE][0]
    exact = [
        text.startswith(first)
        and any(sentence in text for sentence in book.leaves)
        and any(sentence in text for sentence in book.asks)
        for text in texts
    ]
    # The rest are those with a typing mistake in them.
    assert 0.9 < np.mean(exact) < 1
    assert any("Danke." in text for text in texts)
    assert any(text[-1] in "😡😞👎🤦😤" for text in texts)


def test_a_mistyped_text_has_two_letters_swapped() -> None:
    """Nothing is lost and nothing added."""
    text = phrases._mistyped("delivery", 0.5)
    assert text == "delviery"
