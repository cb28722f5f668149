"""Laws of scores that were learned: of whatever text, in whatever batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retain.text.fold import fold
from retain.text.hashing import COLUMNS, hashed, joined
from retain.text.learned import Learned, grained, score

TEXTS = st.lists(st.text(max_size=60), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def model() -> Learned:
    """Weights of any kind."""
    weights = grained(np.random.default_rng(1).normal(0, 5, COLUMNS))
    return Learned(weights, 0.7, ("en", "zh"), np.array([0.9, 1.1]), np.array([0.1, -0.2]))


@given(texts=TEXTS, cut=st.integers(0, 12))
def test_a_batch_is_hashed_like_its_parts(texts: list[str], cut: int) -> None:
    """Wherever it is cut."""
    whole = hashed(fold(texts))
    parts = joined([hashed(fold(texts[:cut])), hashed(fold(texts[cut:]))])
    assert whole.columns.tobytes() == parts.columns.tobytes()
    assert whole.starts.tolist() == parts.starts.tolist()
    assert whole.keys.tolist() == parts.keys.tolist()


@given(texts=TEXTS, seed=st.integers(0, 1_000))
def test_a_text_has_one_score(model: Learned, texts: list[str], seed: int) -> None:
    """To the last bit, whatever stands around it and in whatever order."""
    draw = np.random.default_rng(seed)
    sentiment = draw.uniform(-1, 1, len(texts))
    language = np.array(["en", "zh", "de", None], dtype=object)[draw.integers(0, 4, len(texts))]
    order = draw.permutation(len(texts))
    whole = score(model, hashed(fold(texts)), sentiment, language)
    moved = score(model, hashed(fold([texts[i] for i in order])), sentiment[order], language[order])
    np.testing.assert_array_equal(whole[order], moved)
    np.testing.assert_array_equal(np.isnan(whole), ~np.isin(language, ["en", "zh"]))
    assert ((whole >= 0) & (whole <= 1) | np.isnan(whole)).all()


@given(text=st.text(max_size=60), better=st.floats(0, 2))
def test_what_the_lists_call_better_scores_no_lower(model: Learned, text: str, better: float) -> None:
    """The same text with a higher reading."""
    one = hashed(fold([text, text]))
    low, high = score(model, one, np.array([-1.0, min(1.0, -1 + better)]), ["en", "en"])
    assert low <= high
