"""`retain models promote` and the gate after training: which model `retain score` uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retain.errors import GateError, ModelError
from retain.labels import outcomes
from retain.modelling import bundle, gate
from retain.modelling.tracking import CHAMPION
from retain.modelling.training import both_classes, eligible_snapshots
from retain.pipeline.given import predicted_parts
from retain.pipeline.then import log_odds_then, recipe
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retain.engine.panel import FloatArray
    from retain.modelling.bundle import Bundle
    from retain.modelling.gate import Predicted, Verdict
    from retain.modelling.tracking import Registered
    from retain.modelling.training import Trained
    from retain.pipeline.project import Project


@dataclass(frozen=True)
class Promotion:
    """What became of a model at the gate.

    Attributes:
        registered: its place in the store.
    """

    registered: Registered

    @property
    def is_champion(self) -> bool:
        """Whether `retain score` uses it now."""
        return CHAMPION in self.registered.aliases

    def as_dict(self) -> dict[str, Any]:
        """The promotion as JSON values; ``passed`` is null for a model that was never put to the gate."""
        verdict = self.registered.verdict or gate.Verdict((), "")
        outcome = {"champion": self.is_champion, "forced": self.registered.forced, **verdict.as_dict()}
        return {**outcome, "passed": verdict.passed if self.registered.verdict is not None else None}


def run_promotion(project: Project, reference: str, *, force: bool = False) -> Promotion:
    """A version put to the gate, and champion afterwards; the champion stays what it is.

    Args:
        project: the data and settings.
        reference: alias, number or version.
        force: make it champion whatever is held against it; the override is recorded beside the model.

    Raises:
        ModelError: there is no such version, or it is damaged.
        GateError: something is held against it; the message says what.
    """
    registered = project.tracking.find(reference)
    if CHAMPION in registered.aliases:
        return Promotion(registered)
    verdict = put_to_gate(project, bundle.load(project.tracking.bundle_of(registered)), registered.number)
    if not verdict.passed and not force:
        raise GateError(
            f"Model {registered.number} ({registered.version}) is not promoted. {' '.join(verdict.reasons)} "
            f"`retain models promote {registered.number} --force` makes it champion all the same, and keeps a record."
        )
    return Promotion(project.tracking.judged(registered, verdict, forced=not verdict.passed))


def put_to_gate(
    project: Project, challenger: Bundle, number: int | None = None, trained: Trained | None = None
) -> Verdict:
    """What is held against a model, if anything.

    Args:
        project: the data and settings.
        challenger: the model.
        number: its number in the store; the champion is not compared with itself.
        trained: how it was just trained, which saves predicting the validation cutoffs again.
    """
    misfit = _misfit(project, challenger)
    checks = [gate.fits(misfit)]
    checks.append(
        gate.leaks(
            [one["feature"] for one in challenger.card["training"]["leaks"]],
            project.config.training.allow_leaks,
        )
    )
    if misfit:
        return gate.Verdict(tuple(checks), "")
    champion = _champion(project, number)
    project.progress("putting the model to the gate")
    if challenger.churn.given:
        seen = predicted_parts(project, challenger, champion, trained)
        checks += gate.quality(
            seen, challenger.calibration, ("part", "parts of the customers, each left out")
        )
    else:
        seen = _predicted(project, challenger, champion, trained)
        checks += gate.quality(seen, challenger.calibration)
    if champion is not None:
        if challenger.known_until is not None:
            checks.append(gate.age(challenger.trained_until, champion.trained_until))
        checks.append(gate.comparison(seen))
    return gate.Verdict(tuple(checks), champion.version if champion is not None else "")


def _champion(project: Project, challenger: int | None) -> Bundle | None:
    """The present champion, where there is one to compare with."""
    present = project.champion()
    if present is None or present.number == challenger:
        return None
    try:
        return project.open(present)
    except ModelError:
        # What could not score these data anyway is no obstacle.
        return None


def _misfit(project: Project, opened: Bundle) -> str:
    """Why the model cannot score these data; empty where it can."""
    try:
        project.require_fit(opened)
    except ModelError as cause:
        return str(cause)
    return ""


def _predicted(
    project: Project, challenger: Bundle, champion: Bundle | None, trained: Trained | None
) -> tuple[Predicted, ...]:
    """The challenger's validation cutoffs as both models saw them.

    Raises:
        GateError: the data at hand have no outcomes there.
    """
    ready: Mapping[int, FloatArray] = (
        {one.cutoff: one.log_odds[trained.learner] for one in trained.validated}
        if trained is not None
        else {}
    )
    seen = []
    for cutoff in [instant(one) for one in challenger.card["training"]["validation_cutoffs"]]:
        snapshots = eligible_snapshots(project.store, [cutoff], challenger.churn)
        y = outcomes(
            project.store, snapshots.customer, snapshots.cutoff, challenger.churn, challenger.trained_until
        )
        if not both_classes(y):
            continue
        mine = ready[cutoff] if cutoff in ready else log_odds_then(project, challenger, challenger, cutoff)
        other = None
        if champion is not None:
            same = champion.trained_until > cutoff and recipe(champion) == recipe(challenger)
            other = mine if same else log_odds_then(project, champion, challenger, cutoff)
        seen.append(gate.Predicted(cutoff, snapshots.customer, y, mine, other))
    if not seen:
        raise GateError(
            f"The tables hold no outcomes at the cutoffs on which model {challenger.version} was validated, so that "
            f"nothing can be said of it. Run `retain train`."
        )
    return tuple(seen)
