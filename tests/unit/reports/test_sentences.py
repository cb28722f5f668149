from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retain.reports import sentences
from retain.reports.content import (
    ChurnDefinition,
    Contender,
    Decile,
    Estimate,
    Headline,
    MoneyCurve,
    Quality,
    ReliabilityBin,
    Segment,
    Tier,
)

if TYPE_CHECKING:
    from retain.reports.content import Churn, ReportContent

EMPTY = Quality(cutoff="2011-06-03", customers=0, churn_rate=None)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_lead_says_it_all(content: ReportContent) -> None:
    """How many of whom, at risk of what, when, and what to expect of them."""
    assert plain(sentences.lead(content)) == (
        "Of 2,659 active customers, 812 are at critical or high risk of not ordering in the 90 days from "
        "1 September 2011. If the probabilities hold, about 611 of them will not order."
    )


@pytest.mark.parametrize(
    ("kind", "who", "risk"),
    [
        (
            "contract",
            "customers with a running contract",
            "ending their contract in the 30 days from 1 September 2011",
        ),
        ("given", "customers", "leaving"),
    ],
)
def test_the_lead_follows_the_definition(content: ReportContent, kind: Churn, who: str, risk: str) -> None:
    """Who leaves a contract does not "not order"."""
    said = sentences.lead(replace(content, churn=ChurnDefinition(kind, 30)))
    assert plain(said).startswith(f"Of 2,659 {who}, 812 are at critical or high risk of {risk}. If")


def test_given_labels_have_no_window(content: ReportContent) -> None:
    """Neither where churn is defined nor where nobody is at risk."""
    churn = ChurnDefinition("given", 90)
    assert sentences.definition(churn) == (
        "A customer has churned whom the data label so. Scored are all customers of that table, with a label or without."
    )
    calm = replace(content, churn=churn, headline=Headline(5, 0))
    assert "none is at critical or high risk of leaving." in sentences.lead(calm)


def test_one_customer_is_not_many(content: ReportContent) -> None:
    """Grammar holds for one, and for tiers without a name."""
    one = replace(content, headline=Headline(5, 1, at_risk_tiers=()), tiers=(), reasons=())
    assert "1 is at risk of not ordering" in sentences.lead(one)
    assert "probabilities hold" not in sentences.lead(one)


def test_nobody_at_risk_and_nobody_scored(content: ReportContent) -> None:
    """Zero is said in words, without expectations about nobody."""
    calm = replace(content, headline=Headline(5, 0))
    assert "none is at critical or high risk" in sentences.lead(calm)
    nobody = replace(content, headline=Headline(0, 0))
    assert sentences.lead(nobody).startswith("No customer could be scored.")
    assert sentences.at_a_glance(nobody) == "No customer scored"


def test_a_lead_time_moves_the_window() -> None:
    """The lead time is said wherever the window is."""
    churn = ChurnDefinition("inactivity", 90, lead_days=14)
    assert (
        plain(sentences.window(churn, "2011-09-01"))
        == "in the 90 days that begin 14 days after 1 September 2011"
    )
    assert "beginning 14 days after the cutoff" in sentences.definition(churn)


def test_unknown_parts_make_the_sum_unknown(content: ReportContent) -> None:
    """A sum over tiers is not shown when one of them is not known."""
    tiers = (Tier("high", 3, 0.7, 2.1), Tier("low", 3, None, float("nan")))
    assert sentences.expected_churners(replace(content, tiers=tiers, reasons=())) is None


def test_the_glance_leaves_unknown_money_out(content: ReportContent) -> None:
    """The line that stays in sight never says "not known"."""
    assert sentences.at_a_glance(content).endswith("£412,380")
    assert sentences.at_a_glance(replace(content, headline=Headline(10, 2))) == "2 of 10 at risk"


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (Estimate(0.03, 0.01, 0.05), "the same customers better than RFM, by 0.010 to 0.050 of AUROC"),
        (Estimate(-0.03, -0.05, -0.01), "the same customers worse than RFM, by 0.010 to 0.050 of AUROC"),
        (Estimate(0.01, -0.01, 0.03), "Chance may explain how far it is from RFM"),
        (Estimate(0.0, 0.0, 0.0), "Chance may explain how far it is from RFM"),
        (Estimate(float("nan"), float("nan"), float("nan")), "compares with RFM is not known"),
        (None, "compares with RFM is not known"),
    ],
)
def test_a_baseline_may_win(behind: Estimate | None, said: str) -> None:
    """The page says plainly whether the model beats a baseline on the same customers, and how surely."""
    ours = Contender("LightGBM", Estimate(0.80, 0.78, 0.82), ours=True)
    quality = replace(EMPTY, contenders=(ours, Contender("RFM", Estimate(0.79), behind=behind)))
    assert said in sentences.against_baselines(quality)


def test_an_order_that_may_be_chance_is_told_before_any_comparison() -> None:
    """Where the interval holds one half it does not matter whom the model beats."""
    ours = Contender("LightGBM", Estimate(0.52, 0.47, 0.57), ours=True)
    other = Contender("RFM", Estimate(0.45), behind=Estimate(0.07, 0.02, 0.12))
    said = sentences.against_baselines(replace(EMPTY, contenders=(ours, other)))
    assert "may be nothing but chance" in said
    assert "RFM" not in said


def test_money_is_compared_by_how_the_list_is_ordered() -> None:
    """What the first fifth holds in either order; nothing without both."""
    ours = MoneyCurve("value at risk", ((0.0, 0.0), (0.2, 0.5), (1.0, 1.0)), ours=True)
    other = MoneyCurve("risk alone", ((0.0, 0.0), (0.2, 0.1), (1.0, 1.0)))
    said = sentences.money(replace(EMPTY, money=(ours, other)))
    assert "first by value at risk held 50%, the fifth listed first by risk alone 10%" in said
    assert sentences.money(replace(EMPTY, money=(ours,))) == ""


def test_parts_are_named_where_they_plainly_differ() -> None:
    """Against the level of all customers, not against 1: that all are off is told elsewhere."""

    def part(name: str, level: Estimate) -> Segment:
        return Segment("country", name, 300, 0.4, Estimate(0.7), level, Estimate(1.0))

    more, fewer = part("BG", Estimate(1.3, 1.1, 1.5)), part("DE", Estimate(0.7, 0.6, 0.8))
    alike = part("FR", Estimate(0.9, 0.85, 0.95))
    several = replace(EMPTY, segments=(more, fewer, alike), level=0.9)
    assert sentences.segments(several) == (
        "Among all customers 0.90 left for each one forecast. It was plainly more in country: BG; plainly fewer in "
        "country: DE."
    )
    assert sentences.segments(replace(EMPTY, segments=(alike,), level=0.9)).endswith(
        "In no part is it plainly otherwise."
    )
    assert sentences.segments(replace(EMPTY, segments=(more,), level=float("nan"))) == ""


def test_the_widest_miss_is_told() -> None:
    """The reliability sentence names the worst bin and weighs all bins by their customers."""
    bins = (ReliabilityBin(0.2, 0.2, 90), ReliabilityBin(0.8, 0.6, 10), ReliabilityBin(0.9, 0.1, 0))
    said = sentences.reliability(replace(EMPTY, reliability=bins))
    assert said.startswith("Where the model said 80%, 60% left")
    assert "2.0 percentage points apart" in said


def test_the_gain_sentence_reads_the_curve() -> None:
    """It says what the top fifth reaches, as the curve has it."""
    ours = Contender("LightGBM", Estimate(0.8), ours=True, gain=((0.0, 0.0), (0.4, 0.8), (1.0, 1.0)))
    assert "reaches 40% of those who leave" in sentences.gain(replace(EMPTY, contenders=(ours,)))


def test_the_tenths_are_compared_best_with_worst() -> None:
    """Whatever the order of the rows, the first tenth is set against the last."""
    rows = (Decile(2, 10, 1, 0.1, 0.2, 1.0), Decile(1, 10, 9, 0.9, 1.8, 0.9))
    assert "ranked highest 90% left, in the lowest 10%" in sentences.deciles(replace(EMPTY, deciles=rows))


def test_without_figures_there_is_nothing_to_say() -> None:
    """Sentences about parts that are not there are empty."""
    silent = (sentences.gain, sentences.reliability, sentences.deciles, sentences.against_baselines)
    assert [say(EMPTY) for say in (*silent, sentences.money, sentences.segments)] == [""] * 6
