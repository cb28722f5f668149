"""Everything the page shows, as plain numbers and words, whoever worked them out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Churn = Literal["inactivity", "contract", "given"]

Number = float | None
"""A figure; None or NaN is one that is not known."""


def _known(value: Number) -> bool:
    return value is not None and math.isfinite(value)


def _check_counts(owner: str, *counts: tuple[str, int]) -> None:
    for name, count in counts:
        if count < 0:
            raise ValueError(f"{owner}: {name} is a count and cannot be {count}")


def _check_shares(owner: str, **shares: Number) -> None:
    for name, share in shares.items():
        if share is not None and _known(share) and not 0 <= share <= 1:
            raise ValueError(f"{owner}: {name} is a share from 0 to 1 and cannot be {share}")


@dataclass(frozen=True)
class Estimate:
    """A figure and the interval it lies in.

    Attributes:
        value: the figure.
        low: the interval's lower end.
        high: its upper end.
    """

    value: Number
    low: Number = None
    high: Number = None

    def __post_init__(self) -> None:
        """Refuse an interval that ends before it begins."""
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"an interval from {self.low} to {self.high}")


@dataclass(frozen=True)
class ChurnDefinition:
    """What this run calls churn.

    Attributes:
        kind: no order (``inactivity``), the end of a contract, or a label the data came with.
        horizon_days: the label window's length.
        lead_days: days between the cutoff and its start.
        active_days: a customer with an order in so many days before the cutoff is scored; None: no such rule.
    """

    kind: Churn
    horizon_days: int
    lead_days: int = 0
    active_days: int | None = None

    def __post_init__(self) -> None:
        """Refuse an empty window."""
        if self.horizon_days <= 0 or self.lead_days < 0:
            raise ValueError(f"a label window of {self.horizon_days} days after {self.lead_days}")


@dataclass(frozen=True)
class Headline:
    """The run in one sentence.

    Attributes:
        scored: customers with a probability.
        at_risk: how many of them are in the tiers named.
        at_risk_tiers: the tiers that count as at risk, as the reader knows them, highest first.
        value_at_risk: the money of those at risk.
        value_meaning: how that money is counted, as the end of the sentence "Value at risk is ...".
    """

    scored: int
    at_risk: int
    at_risk_tiers: tuple[str, ...] = ("critical", "high")
    value_at_risk: Number = None
    value_meaning: str = ""

    def __post_init__(self) -> None:
        """Refuse more customers at risk than customers."""
        _check_counts("headline", ("scored", self.scored), ("at_risk", self.at_risk))
        if self.at_risk > self.scored:
            raise ValueError(f"headline: {self.at_risk} customers at risk of {self.scored} scored")


@dataclass(frozen=True)
class TableAccount:
    """What became of one table's rows.

    Attributes:
        name: the table.
        rows: rows read.
        good: rows used.
        quarantined: why rows were set aside, and how many for each reason.
        first: the first event's day, in ISO 8601; None for a table without a time.
        last: the last event's.
    """

    name: str
    rows: int
    good: int
    quarantined: tuple[tuple[str, int], ...] = ()
    first: str | None = None
    last: str | None = None

    def __post_init__(self) -> None:
        """Refuse more good rows than rows."""
        _check_counts(f"table {self.name}", ("rows", self.rows), ("good", self.good), *self.quarantined)
        if self.good > self.rows:
            raise ValueError(f"table {self.name}: {self.good} good rows of {self.rows}")


@dataclass(frozen=True)
class Language:
    """How much of what customers wrote in one language was understood.

    Attributes:
        table: where the texts are.
        name: the language's code; ``und`` where nothing told it.
        texts: how many.
        understood: share of them in which something was recognised.
        tiers: which tier told the sentiment of how many.
    """

    table: str
    name: str
    texts: int
    understood: float
    tiers: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        _check_counts(f"language {self.name}", ("texts", self.texts), *self.tiers)
        _check_shares(f"language {self.name}", understood=self.understood)


@dataclass(frozen=True)
class StatusCount:
    """How many customers of the input ended with one status of the scoring contract.

    Attributes:
        status: such as ``not_eligible``.
        customers: how many.
        meaning: what the status says, in words.
    """

    status: str
    customers: int
    meaning: str

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _check_counts(f"status {self.status}", ("customers", self.customers))


@dataclass(frozen=True)
class CalibrationEvidence:
    """What one way to calibrate did on the validation cutoffs.

    Attributes:
        method: its name.
        log_loss: lower is better.
        ece: expected calibration error, lower is better.
    """

    method: str
    log_loss: Number
    ece: Number


@dataclass(frozen=True)
class Training:
    """How the model was made.

    Attributes:
        cutoffs: the training cutoffs, in ISO 8601, oldest first.
        validation_cutoffs: the later ones on which learner and calibration were chosen.
        champion: the learner that won.
        calibration: the calibration method that won.
        evidence: what every calibration method tried did.
        folds: into how many parts the customers were divided where labels are given; else 0.
    """

    cutoffs: tuple[str, ...]
    validation_cutoffs: tuple[str, ...]
    champion: str
    calibration: str
    evidence: tuple[CalibrationEvidence, ...] = ()
    folds: int = 0


@dataclass(frozen=True)
class Metric:
    """One measure of the model's quality.

    Attributes:
        name: as in the literature.
        estimate: its value and interval.
        note: what it says, as a sentence in plain words.
        unit: as for a key figure.
    """

    name: str
    estimate: Estimate
    note: str
    unit: str = "number"


@dataclass(frozen=True)
class Contender:
    """One model or baseline on the test cutoff.

    Attributes:
        name: as the reader knows it, such as ``RFM logistic regression``.
        auroc: area under the ROC curve.
        brier: mean squared error of the probabilities.
        lift: lift in the top decile.
        ours: this is the model that scored the customers of this page.
        gain: points of the cumulative gain curve: (share of customers contacted, share of churners among them).
        behind: how far its AUROC is behind ours on the same customers, with the interval of the paired difference.
        p_value: chance of a difference as large if both were equally good.
    """

    name: str
    auroc: Estimate
    brier: Number = None
    lift: Number = None
    ours: bool = False
    gain: tuple[tuple[float, float], ...] = ()
    behind: Estimate | None = None
    p_value: Number = None

    def __post_init__(self) -> None:
        """Refuse a gain curve that leaves the unit square or walks backwards."""
        _check_shares(self.name, p_value=self.p_value)
        _check_gain(self.name, self.gain)


def _check_gain(name: str, points: tuple[tuple[float, float], ...]) -> None:
    for contacted, found in points:
        _check_shares(f"gain curve of {name}", contacted=contacted, found=found)
    if list(points) != sorted(points):
        raise ValueError(f"gain curve of {name}: its points are not in order")


@dataclass(frozen=True)
class MoneyCurve:
    """How much of the churners' value a list reaches.

    Attributes:
        name: how the list is ordered.
        gain: (share of customers contacted, share of the churners' value among them).
        ours: this is the order in which the page lists customers.
    """

    name: str
    gain: tuple[tuple[float, float], ...]
    ours: bool = False

    def __post_init__(self) -> None:
        """Refuse a curve that leaves the unit square or walks backwards."""
        _check_gain(self.name, self.gain)


@dataclass(frozen=True)
class Segment:
    """How good the model was for a part of the customers.

    Attributes:
        kind: what parts them, such as ``country``.
        name: which part.
        customers: how many.
        churn_rate: share of them who churned.
        auroc: among them alone.
        level: churners observed for each one expected.
        slope: of their log-odds; 1 is right.
    """

    kind: str
    name: str
    customers: int
    churn_rate: Number
    auroc: Estimate
    level: Estimate
    slope: Estimate

    def __post_init__(self) -> None:
        """Refuse a churn rate outside 0 to 1."""
        _check_counts(f"segment {self.name}", ("customers", self.customers))
        _check_shares(f"segment {self.name}", churn_rate=self.churn_rate)


@dataclass(frozen=True)
class ReliabilityBin:
    """Customers of similar probability, and how many of them churned.

    Attributes:
        predicted: their mean probability.
        observed: the share that churned.
        customers: how many there are.
        low: lower end of the observed share's interval.
        high: its upper end.
    """

    predicted: float
    observed: float
    customers: int
    low: Number = None
    high: Number = None

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1."""
        _check_counts("reliability bin", ("customers", self.customers))
        _check_shares(
            "reliability bin", predicted=self.predicted, observed=self.observed, low=self.low, high=self.high
        )


@dataclass(frozen=True)
class Decile:
    """One tenth of the customers, by probability.

    Attributes:
        decile: 1 is the tenth with the highest probability.
        customers: how many there are.
        churners: how many of them churned.
        rate: their churn rate.
        lift: that rate over everybody's.
        cumulative_gain: share of all churners in this tenth and those above it.
    """

    decile: int
    customers: int
    churners: int
    rate: Number
    lift: Number
    cumulative_gain: Number

    def __post_init__(self) -> None:
        """Refuse more churners than customers."""
        _check_counts(f"decile {self.decile}", ("customers", self.customers), ("churners", self.churners))
        _check_shares(f"decile {self.decile}", rate=self.rate, cumulative_gain=self.cumulative_gain)
        if self.churners > self.customers:
            raise ValueError(f"decile {self.decile}: {self.churners} churners of {self.customers} customers")


@dataclass(frozen=True)
class Quality:
    """How good the model was where it had never looked: at the test cutoff.

    Attributes:
        cutoff: the test cutoff, in ISO 8601.
        customers: how many customers it was tested on.
        churn_rate: how many of them churned, as a share.
        metrics: the measures, most telling first.
        contenders: ours and the baselines, ours first.
        reliability: bins of predicted against observed.
        deciles: best first.
        money: lists of customers by how much of the churners' value they reach.
        segments: the same for parts of the customers that are large enough.
        level: churners observed for each one expected, among all.
        folds: where labels are given, into how many parts the customers were divided; else 0, for there is a cutoff.
    """

    cutoff: str
    customers: int
    churn_rate: Number
    metrics: tuple[Metric, ...] = ()
    contenders: tuple[Contender, ...] = ()
    reliability: tuple[ReliabilityBin, ...] = ()
    deciles: tuple[Decile, ...] = ()
    money: tuple[MoneyCurve, ...] = ()
    segments: tuple[Segment, ...] = ()
    level: Number = None
    folds: int = 0

    def __post_init__(self) -> None:
        """Refuse a churn rate outside 0 to 1."""
        _check_counts("quality", ("customers", self.customers))
        _check_shares("quality", churn_rate=self.churn_rate)

    @property
    def auroc(self) -> Number:
        """The model's own; None where it is not among the contenders."""
        return next((one.auroc.value for one in self.contenders if one.ours), None)


@dataclass(frozen=True)
class Tier:
    """One risk tier.

    Attributes:
        name: such as ``high``.
        customers: how many are in it.
        mean_probability: their mean probability of churn.
        expected_churners: the sum of their probabilities.
        value_at_risk: their money at risk.
        cut: the lowest probability of the tier.
    """

    name: str
    customers: int
    mean_probability: Number
    expected_churners: Number
    value_at_risk: Number = None
    cut: Number = None

    def __post_init__(self) -> None:
        """Refuse probabilities outside 0 to 1."""
        _check_counts(f"tier {self.name}", ("customers", self.customers))
        _check_shares(f"tier {self.name}", mean_probability=self.mean_probability, cut=self.cut)


@dataclass(frozen=True)
class Reason:
    """One topic, and how many customers have it among their top reasons.

    Attributes:
        topic: in the reader's words.
        customers: one count per tier, in the order of the tiers.
    """

    topic: str
    customers: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _check_counts(f"reason {self.topic}", *(("customers", count) for count in self.customers))


@dataclass(frozen=True)
class Importance:
    """How much one feature or topic moves the probabilities.

    Attributes:
        name: the feature, in the reader's words.
        contribution: mean absolute contribution, in log-odds.
        topic: what it belongs to; empty when it is a topic itself.
    """

    name: str
    contribution: float
    topic: str = ""

    def __post_init__(self) -> None:
        """Refuse a negative mean of absolute values."""
        if not self.contribution >= 0:
            raise ValueError(f"importance of {self.name}: {self.contribution}")


@dataclass(frozen=True)
class Dependence:
    """How the model reads one feature.

    Attributes:
        name: the feature, in the reader's words.
        curve: (value, mean probability with all customers at that value), by value.
        customers: how many have a value in each of as many equal steps over the same range.
        unknown_share: share of customers of whom it is not known.
        when_unknown: mean probability where it is not known.
    """

    name: str
    curve: tuple[tuple[float, float], ...]
    customers: tuple[int, ...] = ()
    unknown_share: float = 0.0
    when_unknown: Number = None

    def __post_init__(self) -> None:
        """Refuse a curve that has no two ends, walks backwards or leaves the range of probabilities."""
        values = [value for value, _ in self.curve]
        if len(values) < 2 or values != sorted(set(values)):
            raise ValueError(f"dependence on {self.name}: its values do not ascend")
        for _, probability in self.curve:
            _check_shares(f"dependence on {self.name}", probability=probability)
        _check_shares(
            f"dependence on {self.name}", unknown=self.unknown_share, when_unknown=self.when_unknown
        )
        _check_counts(f"dependence on {self.name}", *(("customers", count) for count in self.customers))


@dataclass(frozen=True)
class Action:
    """One retention action, and for how many customers it is recommended.

    Attributes:
        name: such as ``call``.
        what: what the shop does, in a sentence.
        customers: how many shall get it.
        channels: customers by channel.
        value_at_risk: the money at risk of those customers.
    """

    name: str
    what: str
    customers: int
    channels: tuple[tuple[str, int], ...] = ()
    value_at_risk: Number = None

    def __post_init__(self) -> None:
        """Refuse a negative count."""
        _check_counts(f"action {self.name}", ("customers", self.customers), *self.channels)


@dataclass(frozen=True)
class Customer:
    """One customer near the top of the list.

    Attributes:
        customer_id: as in the input.
        tier: risk tier.
        probability: of churn.
        value_at_risk: their money at risk.
        reasons: up to three, strongest first.
        action: what is recommended; empty for nothing.
        channel: how to reach them; empty for no way.
    """

    customer_id: str
    tier: str
    probability: float
    value_at_risk: Number = None
    reasons: tuple[str, ...] = ()
    action: str = ""
    channel: str = ""

    def __post_init__(self) -> None:
        """Refuse a probability outside 0 to 1."""
        _check_shares(f"customer {self.customer_id}", probability=self.probability)


@dataclass(frozen=True)
class KeyFigure:
    """One figure about the customer base.

    Attributes:
        name: what is measured.
        estimate: its value, and an interval where there is one.
        unit: ``count``, ``share`` (0 to 1, shown in per cent), ``money``, ``days``, ``times``, ``ratio``, ``number``; any
            other word is written after the number.
        note: how to read it.
    """

    name: str
    estimate: Estimate
    unit: str = "number"
    note: str = ""


@dataclass(frozen=True)
class Command:
    """A next step.

    Attributes:
        what: what it achieves.
        command: what to type.
    """

    what: str
    command: str


@dataclass(frozen=True)
class Banner:
    """Something to know before reading on.

    Attributes:
        text: a sentence or two.
        grave: the figures must not be acted upon as they are.
    """

    text: str
    grave: bool = False


@dataclass(frozen=True)
class ReportContent:
    """A whole page. What is empty or None is left out, heading and all.

    Attributes:
        title: the page's title.
        dataset: whose customers these are.
        as_of: the cutoff of the scores, in ISO 8601.
        version: the version of retain that made the page.
        run_id: the scoring run.
        model_version: the model that scored; empty when there is none.
        churn: what counts as churn.
        headline: the run in one sentence.
        currency: how money is marked, such as ``£`` or ``EUR``; empty when the data do not say.
        confidence: the level of every interval on the page.
        banners: what to know first.
        tiers: highest risk first.
        reasons: commonest first.
        importance: strongest first.
        dependence: how the model reads the strongest of them.
        actions: the recommended actions.
        customers: the customers to look at first, in that order.
        key_figures: the customer base in figures.
        quality: how good the model is.
        training: how it was made.
        tables: what became of the input.
        languages: how much of what customers wrote was understood.
        statuses: how many customers were scored, and why the others were not.
        warnings: what is wrong or odd with the data.
        caveats: what the model cannot know.
        next_steps: commands to go on with.
    """

    title: str
    dataset: str
    as_of: str
    version: str
    run_id: str
    model_version: str
    churn: ChurnDefinition
    headline: Headline
    currency: str = ""
    confidence: float = 0.95
    banners: tuple[Banner, ...] = ()
    tiers: tuple[Tier, ...] = ()
    reasons: tuple[Reason, ...] = ()
    importance: tuple[Importance, ...] = ()
    dependence: tuple[Dependence, ...] = ()
    actions: tuple[Action, ...] = ()
    customers: tuple[Customer, ...] = ()
    key_figures: tuple[KeyFigure, ...] = ()
    quality: Quality | None = None
    training: Training | None = None
    tables: tuple[TableAccount, ...] = ()
    languages: tuple[Language, ...] = ()
    statuses: tuple[StatusCount, ...] = ()
    warnings: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    next_steps: tuple[Command, ...] = ()

    def __post_init__(self) -> None:
        """Refuse reasons that do not fit the tiers."""
        _check_shares("report", confidence=self.confidence)
        for reason in self.reasons:
            if len(reason.customers) != len(self.tiers):
                raise ValueError(
                    f"reason {reason.topic}: {len(reason.customers)} counts for {len(self.tiers)} tiers"
                )
