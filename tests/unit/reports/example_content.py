"""A report as a real run fills it: the figures of a middle-sized gift shop, made up but of one piece."""

from __future__ import annotations

from retain.reports.content import (
    Action,
    Banner,
    CalibrationEvidence,
    ChurnDefinition,
    Command,
    Contender,
    Customer,
    Decile,
    Dependence,
    Estimate,
    Headline,
    Importance,
    KeyFigure,
    Metric,
    MoneyCurve,
    Quality,
    Reason,
    ReliabilityBin,
    ReportContent,
    Segment,
    StatusCount,
    TableAccount,
    Tier,
    Training,
)

_REASONS = (
    "no order for 96 days, usual gap 31",
    "orders down by half against the quarter before",
    "two tickets reopened since April",
    "opened none of the last eight e-mails",
    "last delivery nine days late",
    "rating fell from 5 to 2",
    "spends less per order than last year",
)


def example(customers: int = 50) -> ReportContent:
    """A full page with so many customers in its list."""
    return ReportContent(
        title="Who may not come back",
        dataset="Online gift shop",
        as_of="2011-09-01",
        version="0.1.0",
        run_id="score-2011-09-01-7c1e",
        model_version="inactivity-90d/4",
        churn=ChurnDefinition(kind="inactivity", horizon_days=90, active_days=180),
        headline=Headline(
            scored=2659,
            at_risk=812,
            value_at_risk=412_380.4,
            value_meaning="the probability of churn times what the customer is expected to spend in the next 365 days",
        ),
        currency="£",
        banners=(
            Banner(
                "The last 9 days of orders came in late last month; recent figures may still rise a little."
            ),
        ),
        tiers=(
            Tier("critical", 284, 0.871, 247.4, 121_904.2, 0.8),
            Tier("high", 528, 0.688, 363.3, 290_476.2, 0.55),
            Tier("medium", 903, 0.402, 363.0, 318_220.0, 0.25),
            Tier("low", 944, 0.121, 114.2, 141_055.9, 0.0),
        ),
        reasons=(
            Reason("Long silence since the last order", (201, 318, 240, 62)),
            Reason("Orders further apart than usual", (148, 260, 301, 110)),
            Reason("Spends less than before", (97, 182, 205, 131)),
            Reason("E-mails no longer opened", (88, 120, 172, 140)),
            Reason("Trouble with support", (61, 79, 54, 21)),
            Reason("Late deliveries", (22, 41, 60, 35)),
            Reason("Poor ratings", (19, 30, 28, 9)),
        ),
        importance=(
            Importance("Days since the last order", 0.742, "Long silence since the last order"),
            Importance("Days since the last order, in usual gaps", 0.518, "Orders further apart than usual"),
            Importance("Orders in 180 days", 0.364, "Orders further apart than usual"),
            Importance("Spend in 90 days against the 90 before", 0.221, "Spends less than before"),
            Importance("Share of e-mails opened, 60 days", 0.176, "E-mails no longer opened"),
            Importance("Tickets reopened, 90 days", 0.093, "Trouble with support"),
            Importance("Mean delay of deliveries", 0.064, "Late deliveries"),
            Importance("Lowest rating, 180 days", 0.041, "Poor ratings"),
        ),
        dependence=(
            Dependence(
                "Days since the last order",
                tuple((float(day), 0.2 + 0.6 * day / 180) for day in range(0, 181, 12)),
                tuple(400 - 20 * at for at in range(20)),
            ),
            Dependence(
                "Days since the last order, in usual gaps",
                ((0.25, 0.31), (1.0, 0.38), (2.5, 0.55), (12.0, 0.62)),
                (310, 120, 40, 11),
                unknown_share=0.12,
                when_unknown=0.47,
            ),
        ),
        actions=(
            Action(
                "Personal call",
                "Someone who knows the account rings up and listens.",
                120,
                (("phone", 120),),
                154_210,
            ),
            Action(
                "Make good",
                "Apologise for the open complaint, with a voucher of £10.",
                96,
                (("e-mail", 81), ("post", 15)),
                58_930,
            ),
            Action(
                "Come-back offer",
                "10% off the category they used to buy most.",
                402,
                (("e-mail", 344), ("SMS", 58)),
                147_090,
            ),
            Action(
                "Leave in peace", "No consent, or contact would cost more than it brings.", 194, (), 52_150.4
            ),
        ),
        customers=tuple(_customer(rank) for rank in range(customers)),
        key_figures=(
            KeyFigure("Active customers", Estimate(2659), "count", "with an order in the last 180 days"),
            KeyFigure(
                "Churn rate, last closed 90 days",
                Estimate(0.402, 0.383, 0.421),
                "share",
                "of those active on 3 June 2011",
            ),
            KeyFigure(
                "Median days between orders", Estimate(31), "days", "customers with three orders or more"
            ),
            KeyFigure("Average order", Estimate(303.4, 296.1, 311.0), "money"),
            KeyFigure(
                "Expected spend per customer, 365 days",
                Estimate(811.2, 770.9, 853.5),
                "money",
                "BG/NBD and gamma-gamma",
            ),
            KeyFigure(
                "Share of sales from the top tenth",
                Estimate(0.613),
                "share",
                "concentration: a few accounts carry the shop",
            ),
            KeyFigure("Net promoter score", Estimate(float("nan")), "number", "no survey in the data"),
        ),
        quality=_quality(),
        training=Training(
            cutoffs=("2010-09-06", "2010-10-06", "2010-11-05", "2010-12-05", "2011-01-04"),
            validation_cutoffs=("2011-03-05", "2011-04-04"),
            champion="lightgbm",
            calibration="isotonic",
            evidence=(
                CalibrationEvidence("none", 0.5713, 0.0482),
                CalibrationEvidence("sigmoid", 0.5641, 0.0297),
                CalibrationEvidence("isotonic", 0.5598, 0.0184),
            ),
        ),
        tables=(
            TableAccount(
                "orders",
                1_067_371,
                1_033_212,
                (("no customer_id", 31_872), ("amount is not a number", 2_287)),
                "2009-12-01",
                "2011-08-31",
            ),
            TableAccount(
                "tickets", 8_412, 8_409, (("resolved before it was opened", 3),), "2010-01-04", "2011-08-31"
            ),
            TableAccount("messages", 412_006, 412_006, (), "2010-02-01", "2011-08-30"),
            TableAccount("customers", 5_942, 5_942),
        ),
        statuses=(
            StatusCount("scored", 2_659, "active enough to be scored"),
            StatusCount("not_eligible", 3_214, "no order in the 180 days before the cutoff"),
            StatusCount("no_history", 58, "known, but has never ordered"),
            StatusCount("invalid", 11, "all their rows were set aside"),
        ),
        warnings=(
            "31,872 order rows have no customer and cannot be used.",
            "No consent columns: whom you may write to must be checked elsewhere.",
        ),
        caveats=(
            "It sees what your systems recorded. Competitors, prices elsewhere and a customer's plans are not in the data.",
            "A reason is what moved the probability, not what caused the churn: mending it need not keep the customer.",
            "It says who is likely to leave, not who can be persuaded to stay. Only a control group can tell you that.",
        ),
        next_steps=(
            Command("Hand the list to the CRM", "retain export --to crm-csv --out outbox/"),
            Command("See one customer's story", "retain explain 14911"),
            Command("Learn what the campaign really did", "retain measure --since 2011-09-01"),
        ),
    )


def _customer(rank: int) -> Customer:
    probability = max(0.05, 0.968 - 0.006 * rank)
    return Customer(
        customer_id=str(14911 + 37 * rank),
        tier="critical" if probability >= 0.8 else "high" if probability >= 0.55 else "medium",
        probability=probability,
        value_at_risk=8_904.2 / (1 + 0.21 * rank),
        reasons=(_REASONS[rank % 7], _REASONS[(rank + 2) % 7], _REASONS[(rank + 5) % 7]),
        action=("Personal call", "Make good", "Come-back offer")[rank % 3],
        channel=("phone", "e-mail", "SMS")[rank % 3],
    )


def _quality() -> Quality:
    rates = (0.846, 0.731, 0.607, 0.498, 0.412, 0.331, 0.252, 0.179, 0.108, 0.052)
    churners = [round(rate * 266) for rate in rates]
    found = [sum(churners[: i + 1]) / sum(churners) for i in range(10)]
    return Quality(
        cutoff="2011-06-03",
        customers=2660,
        churn_rate=sum(churners) / 2660,
        metrics=(
            Metric(
                "AUROC",
                Estimate(0.787, 0.770, 0.804),
                "Of a customer who left and one who stayed, the model ranks the right one higher 79 times in 100.",
            ),
            Metric("Lift, top tenth", Estimate(2.11, 1.98, 2.24), "The tenth it ranks highest holds twice as many leavers as a tenth drawn by lot.", "times"),
            Metric("Calibration error", Estimate(0.018, 0.012, 0.031), "A probability is off by two points in a hundred on average.", "share"),
            Metric("Brier score", Estimate(0.187, 0.179, 0.195), "Mean squared error of the probabilities; knowing only the churn rate would give 0.240."),
            Metric("Empirical profit", Estimate(float("nan")), "No offer's cost is configured, so profit cannot be worked out.", "money"),
        ),
        contenders=(
            Contender("LightGBM", Estimate(0.787, 0.770, 0.804), 0.187, 2.11, ours=True, gain=_curve(found)),
            Contender("RFM logistic regression", Estimate(0.752, 0.733, 0.770), 0.199, 1.92, gain=_curve([0.93 * x + 0.07 * (i + 1) / 10 for i, x in enumerate(found)]), behind=Estimate(0.035, 0.024, 0.046), p_value=1e-6),
            Contender("BG/NBD", Estimate(0.731, 0.712, 0.750), 0.211, 1.80, gain=_curve([0.82 * x + 0.18 * (i + 1) / 10 for i, x in enumerate(found)]), behind=Estimate(0.056, 0.041, 0.071), p_value=1e-9),
            Contender("The champion, model 3", Estimate(0.785, 0.768, 0.802), behind=Estimate(0.002, -0.002, 0.006), p_value=0.327),
        ),
        reliability=tuple(
            ReliabilityBin(predicted, observed, n, max(0.0, observed - 0.045), min(1.0, observed + 0.045))
            for predicted, observed, n in (
                (0.046, 0.052, 266), (0.112, 0.101, 310), (0.203, 0.221, 342), (0.309, 0.288, 331), (0.402, 0.421, 318),
                (0.497, 0.502, 301), (0.604, 0.578, 268), (0.701, 0.722, 222), (0.798, 0.781, 174), (0.894, 0.903, 128),
            )
        ),
        deciles=tuple(
            Decile(i + 1, 266, churners[i], churners[i] / 266, churners[i] / 266 / (sum(churners) / 2660), found[i])
            for i in range(10)
        ),
        money=(
            MoneyCurve("value at risk", _curve([0.46, 0.61, 0.71, 0.79, 0.85, 0.9, 0.94, 0.97, 0.99, 1.0]), ours=True),
            MoneyCurve("risk alone", _curve([0.05, 0.12, 0.2, 0.3, 0.4, 0.52, 0.64, 0.77, 0.9, 1.0])),
        ),
        segments=(
            Segment("country", "United Kingdom", 2201, 0.402, Estimate(0.789, 0.77, 0.808), Estimate(1.01, 0.97, 1.05), Estimate(1.02, 0.91, 1.13)),
            Segment("country", "all others", 459, 0.371, Estimate(0.76, 0.71, 0.81), Estimate(0.88, 0.79, 0.97), Estimate(float("nan"))),
            Segment("customer since", "a year ago or more", 1420, 0.31, Estimate(0.78, 0.75, 0.81), Estimate(1.1, 1.03, 1.17), Estimate(1.2, 1.05, 1.35)),
        ),
        level=1.0,
    )  # fmt: skip


def _curve(found: list[float]) -> tuple[tuple[float, float], ...]:
    return ((0.0, 0.0), *((((i + 1) / 10), min(1.0, share)) for i, share in enumerate(found)))
