"""What the company could have done better: only what it does itself, and only what the model would thank it for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retain.features.catalog import EVERY
from retain.features.spec import FeatureSet
from retain.labels import ChurnSettings
from retain.modelling.bundle import Bundle
from retain.modelling.calibration import Calibration
from retain.scoring.hints import LEAST_GAIN, MOST, hints, levers_of
from retain.scoring.languages import LANGUAGES, language

if TYPE_CHECKING:
    from retain.modelling.learners import FloatArray

NAMES = (
    "recency_days",
    "tenure_days",
    "open_tickets",
    "answered_share_365d",
    "messages_90d",
    "late_deliveries_180d",
    "days_since_late_delivery",
    "failed_payments_365d",
)
FEATURES = FeatureSet(tuple(EVERY.by_name[one] for one in NAMES))
WEIGHTS = np.array([0.02, -0.001, 0.4, -0.5, 0.02, 0.6, 0.0, 0.3])
CUSTOMER = np.array([74.0, 400.0, 1.0, 0.5, 20.0, 2.0, 12.0, 1.0])


@dataclass(frozen=True)
class Weighed:
    """A model by hand: a weight for each feature, nothing for what is not known."""

    weights: FloatArray

    def log_odds(self, x: FloatArray, size: int | None = None) -> FloatArray:  # noqa: ARG002  # one size only
        """Log-odds of each row."""
        return np.asarray(self.contributions(x).sum(axis=1) - 1)

    def contributions(self, x: FloatArray) -> FloatArray:
        """What each column adds."""
        return np.asarray(np.nan_to_num(x) * self.weights)

    def text(self) -> str:
        """Nothing: it is never kept."""
        return ""


def model(weights: FloatArray = WEIGHTS, features: FeatureSet = FEATURES) -> Bundle:
    """A bundle of it."""
    return Bundle("abc123", {}, features, ChurnSettings(), Weighed(weights), Calibration())


def probability(log_odds: float) -> float:
    """What the model says of these log-odds."""
    return float(model().calibration(np.array([log_odds]))[0])


def test_levers_come_in_the_order_of_the_features() -> None:
    """Each once, and none of what the company cannot act on."""
    assert levers_of(FEATURES) == (
        "settle_tickets",
        "answer_feedback",
        "write_less",
        "deliver_on_time",
        "mend_payments",
    )
    assert levers_of(FeatureSet(FEATURES.features[:2])) == ()


def test_the_model_is_asked_again_of_the_changed_snapshot() -> None:
    """The three strongest, the strongest first; each moves its own features and no other."""
    found = hints(model(), CUSTOMER, language("en"))
    now = float(CUSTOMER @ WEIGHTS) - 1
    assert [(one.lever, one.features) for one in found] == [
        ("deliver_on_time", ("late_deliveries_180d", "days_since_late_delivery")),
        ("settle_tickets", ("open_tickets",)),
        ("mend_payments", ("failed_payments_365d",)),
    ]
    assert len(found) == MOST
    assert [one.probability for one in found] == pytest.approx(
        [probability(now - less) for less in (1.2, 0.4, 0.3)]
    )
    assert found[1].sentence == (
        f"If the open tickets were settled, the risk would be {probability(now - 0.4):.0%} instead of {probability(now):.0%}."
    )


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_hint_is_told_in_every_language(code: str) -> None:
    """With both probabilities as the language writes them."""
    (first, *_) = hints(model(), CUSTOMER, language(code))
    tongue = language(code)
    assert tongue.levers["deliver_on_time"] in first.sentence
    for one in (first.probability, probability(float(CUSTOMER @ WEIGHTS) - 1)):
        assert tongue.number(one, ".0%") in first.sentence


def test_nothing_is_said_where_nothing_was_amiss() -> None:
    """No ticket open, every answer given, nothing late: the company did all it could."""
    well = np.array([74.0, 400.0, 0.0, 1.0, 1.0, 0.0, np.nan, 0.0])
    assert hints(model(), well, language("en")) == ()


def test_what_is_not_known_is_not_changed() -> None:
    """A customer of whom nothing is known gets no hint."""
    assert hints(model(), np.full(len(NAMES), np.nan), language("en")) == ()


def test_what_would_make_it_worse_or_hardly_better_is_not_said() -> None:
    """Where the model holds open tickets for a good sign, it is not told to the reader as advice."""
    worse = np.where(np.array(NAMES) == "open_tickets", -0.4, 0.0)
    assert hints(model(worse), CUSTOMER, language("en")) == ()
    hardly = np.where(np.array(NAMES) == "open_tickets", LEAST_GAIN, 0.0)
    assert hints(model(hardly), CUSTOMER, language("en")) == ()


def test_a_model_without_levers_has_no_hints() -> None:
    """Orders alone are the customer's own doing."""
    few = FeatureSet(FEATURES.features[:2])
    assert hints(model(WEIGHTS[:2], few), CUSTOMER[:2], language("en")) == ()


def test_the_customer_s_own_record_stays_as_it_is() -> None:
    """The array that was given is not written to."""
    before = CUSTOMER.copy()
    hints(model(), before, language("en"))
    assert before.tolist() == CUSTOMER.tolist()


UNACTIONABLE = (
    "recency",
    "tenure",
    "frequency",
    "spend",
    "rhythm",
    "trend",
    "habits",
    "breadth",
    "returns",
    "contract",
)


def test_what_the_customer_did_has_no_remedy() -> None:
    """Age, past orders and past spend cannot be acted on, so no hint speaks of them."""
    assert [one.name for one in EVERY.features if one.topic in UNACTIONABLE and one.remedy] == []
