"""BG/NBD and gamma-gamma: how fast BG/NBD fits against the plain way, and whether CDNOW gives the published figures.

The baseline is the plain way: one term a customer, no gradients, Nelder-Mead from one start.
CDNOW has no stated licence and is not part of this repository; it is read from ../shared/data where that exists.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from retain.evaluation.ranking import auroc
from retain.lifetime.bgnbd import BgNbd, fit_bgnbd
from retain.lifetime.gamma_gamma import fit_gamma_gamma, spending
from retain.lifetime.history import History, histories
from retain.timeline import DAY, instant

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def simulated(customers: int, seed: int) -> History:
    """Customers who were first seen within a year and live by the CDNOW parameters, seen on whole days."""
    random = np.random.default_rng(seed)
    age = random.integers(28, 365, customers).astype(np.float64)
    rate = random.gamma(0.243, 1 / 30.9, customers)
    gone = random.beta(0.793, 2.426, customers)
    at, alive = np.zeros(customers), np.ones(customers, dtype=np.bool_)
    repeats, last = np.zeros(customers, np.int64), np.zeros(customers)
    while alive.any():
        at = at + np.ceil(random.exponential(1 / rate))
        alive &= at <= age
        repeats[alive] += 1
        last[alive] = at[alive]
        alive &= random.random(customers) >= gone
    return History(repeats, last, age)


def plain_fit(history: History) -> float:
    """The log-likelihood that the baseline reaches."""
    x, last, age = history.repeats, history.last_days, history.age_days

    def cost(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
        gone = np.where(
            x > 0, np.log(a) - np.log(np.maximum(b + x - 1, 1e-300)) - (r + x) * np.log(alpha + last), -np.inf
        )
        return -float((common + np.logaddexp(-(r + x) * np.log(alpha + age), gone)).sum())

    options = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-5, "fatol": 1e-5}
    return -float(
        minimize(cost, np.log([1.0, age.mean(), 1.0, 1.0]), method="Nelder-Mead", options=options).fun
    )


def speed() -> None:
    """Seconds and likelihoods of both ways, on growing numbers of customers."""
    print("customers   ours s   plain s   plain/ours   log-likelihood ours - plain")
    for customers in (6_000, 60_000):
        history = simulated(customers, seed=1)
        begun = time.perf_counter()
        model = fit_bgnbd(history)
        ours = time.perf_counter() - begun
        begun = time.perf_counter()
        reached = plain_fit(history)
        plain = time.perf_counter() - begun
        gap = model.log_likelihood(history) - reached
        print(f"{customers:9,d} {ours:8.2f} {plain:9.2f} {plain / ours:12.1f} {gap:15.4f}")
    history = simulated(1_000_000, seed=1)
    begun = time.perf_counter()
    fit_bgnbd(history)
    print(f"{1_000_000:9,d} {time.perf_counter() - begun:8.2f}")


def bought(folder: Path, name: str, who: str) -> tuple[np.ndarray, np.ndarray]:
    """Customers and instants of a CDNOW file."""
    table = pq.read_table(folder / "cdnow" / name, columns=[who, "ts"])
    instants = table["ts"].cast("timestamp[us]").cast("int64").to_numpy()
    return table[who].to_numpy().astype(np.int64), instants


def cdnow(folder: Path) -> None:
    """The published parameters and holdout figures, and the AUROC of silence, on the real data."""
    customer, moment = bought(folder, "sample_1_10.parquet", "customer_id")
    # The paper counts purchases up to and including the last day, and ages up to its morning.
    end = instant("1997-10-01")
    who, seen = histories(customer, moment, end)
    weeks = History(seen.repeats, seen.last_days / 7, (seen.age_days - 1) / 7)
    model = fit_bgnbd(weeks)
    print(f"published  r .243  alpha 4.414  a .793  b 2.426  log-likelihood -9582.4 ({len(who)} customers)")
    print(
        f"fitted     r {model.r:.3f}  alpha {model.alpha:.3f}  a {model.a:.3f}  b {model.b:.3f}"
        f"  log-likelihood {model.log_likelihood(weeks):.1f}"
    )
    later = np.unique(np.stack([customer, moment // DAY], axis=1)[moment >= end], axis=0)[:, 0]
    actual = np.bincount(np.searchsorted(who, later), minlength=len(who))
    expected = model.expected_purchases(weeks, 39.0)
    print(
        f"holdout of 39 weeks: correlation {np.corrcoef(expected, actual)[0, 1]:.3f} (baseline .626), "
        f"MAE {np.abs(expected - actual).mean():.3f} (baseline .786)"
    )
    money(folder, end)
    customer, moment = bought(folder, "master.parquet", "customer_id")
    cutoff = instant("1998-04-01")
    who, seen = histories(customer, moment, cutoff)
    active = seen.age_days - seen.last_days <= 180
    stayed = np.isin(who, customer[(moment >= cutoff) & (moment < cutoff + 90 * DAY)])
    fitted: BgNbd = fit_bgnbd(seen)
    silence = fitted.no_purchase(seen, 90.0)
    print(
        f"silent for 90 days after 1998-04-01, {int(active.sum()):,d} active customers: "
        f"AUROC {auroc(~stayed[active], silence[active]):.3f} (baseline .721), "
        f"observed/expected {(~stayed[active]).sum() / silence[active].sum():.3f}"
    )


def money(folder: Path, end: int) -> None:
    """The published gamma-gamma parameters, of the repeat purchases of the first 39 weeks."""
    table = pq.read_table(folder / "cdnow" / "sample_1_10.parquet", columns=["customer_id", "ts", "amount"])
    customer, moment = bought(folder, "sample_1_10.parquet", "customer_id")
    cents = np.rint(table["amount"].to_numpy() * 100).astype(np.int64)
    first = np.full(customer.max() + 1, end // DAY)
    np.minimum.at(first, customer, moment // DAY)
    repeat = (moment < end) & (moment // DAY > first[customer])
    spent = spending(customer[repeat], moment[repeat], cents[repeat], len(first), unit=100)
    model = fit_gamma_gamma(spent)
    print(f"published  p 6.25  q 3.74  v 15.44 ({int((spent.purchases > 0).sum())} customers who came back)")
    print(f"fitted     p {model.p:.2f}  q {model.q:.2f}  v {model.v:.2f}")


def main() -> int:
    """Run both parts, or say why the second one is missing."""
    speed()
    if not (DATA / "cdnow").is_dir():
        print("CDNOW is not at ../shared/data/cdnow: the published figures were not checked.")
        return 0
    cdnow(DATA)
    return 0


if __name__ == "__main__":
    sys.exit(main())
