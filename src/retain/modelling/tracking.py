"""The only door to MLflow: runs, logged models, and the registry with its aliases."""

from __future__ import annotations

import contextlib
import io
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retain import __version__
from retain.errors import ModelError, OutputError
from retain.modelling.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

# MLflow reads these when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
# A server that does not answer is told within a minute, not after MLflow's many patient retries.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

CHAMPION, CHALLENGER = "champion", "challenger"
_PREVIOUS = "previous_champion"
_BUNDLE = "bundle"
_GATE, _FORCED = "gate", "gate.forced"
"""Tags of a version: the gate's verdict on it, and whether it was overridden."""


@dataclass(frozen=True)
class TrackingSettings:
    """Where runs and models are kept: the ``[tracking]`` part of the configuration.

    Attributes:
        uri: an MLflow tracking URI; empty is a SQLite store in the workspace.
    """

    uri: str = ""


@dataclass(frozen=True)
class Registered:
    """One version of the registered model.

    Attributes:
        number: MLflow's own number, from 1.
        version: the bundle's version, which its content alone decides.
        run_id: the MLflow run that logged it.
        aliases: such as ``champion``.
        trained_until: ISO date up to which outcomes were known to it.
        tags: what else was noted when it was logged.
    """

    number: int
    version: str
    run_id: str
    aliases: tuple[str, ...]
    trained_until: str
    tags: Mapping[str, str]

    @property
    def verdict(self) -> Verdict | None:
        """What the gate said of it when it was last put to it; None before."""
        return Verdict.of(self.tags[_GATE]) if _GATE in self.tags else None

    @property
    def forced(self) -> bool:
        """Whether it was made champion against the gate's verdict."""
        return self.tags.get(_FORCED) == "true"


class Tracking:
    """The store of one project's runs and models."""

    def __init__(self, settings: TrackingSettings, workspace: Path, project: str) -> None:
        """Open the store, and make it where it does not exist yet.

        Args:
            settings: where it is.
            workspace: where a store of our own is put.
            project: names the experiment and the registered model.
        """
        with _quietly():
            import mlflow  # noqa: PLC0415  # takes seconds to load

            self._mlflow = mlflow
            own = (workspace / "mlflow.db").resolve()
            if not settings.uri and set("?%") & set(str(own)):
                raise OutputError(
                    f"The workspace {workspace} has a '?' or '%' in its path, which a database's address cannot hold."
                )
            if not settings.uri:
                own.parent.mkdir(parents=True, exist_ok=True)
            self.uri = settings.uri or f"sqlite:///{own}"
            self.name = f"retain-{project}"
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
            place = None if settings.uri else (workspace / "mlartifacts" / project).resolve().as_uri()
            try:
                self._client = mlflow.MlflowClient(self.uri, self.uri)
                experiment = self._client.get_experiment_by_name(self.name)
                self._experiment = (
                    self._client.create_experiment(self.name, artifact_location=place)
                    if experiment is None
                    else experiment.experiment_id
                )
            # MLflow passes on whatever its stores raise: its own errors, a database's, a connection's.
            except Exception as cause:
                raise ModelError(
                    f"The model store {self.uri} cannot be opened ({type(cause).__name__}). Check [tracking] uri, and "
                    f"that the store runs; a damaged one in the workspace can be moved away, and models trained again."
                ) from cause

    def log(
        self,
        bundle: Path,
        *,
        version: str,
        trained_until: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        example: pd.DataFrame,
        candidate: bool = True,
    ) -> Registered:
        """The registered version that holds this bundle: a new one, or the one already there.

        Args:
            bundle: the bundle's folder.
            version: its version.
            trained_until: ISO date up to which outcomes were known to it.
            params: settings of the training.
            metrics: figures of the validation.
            tags: fingerprints and the like.
            example: a few rows of features, for the signature.
            candidate: it becomes the challenger; a model made only to be measured does not.
        """
        for known in self.versions():
            if known.version == version:
                if candidate and known.verdict is None:
                    self._alias(CHALLENGER, known.number)
                return self.find(version)
        with _quietly():
            mlflow = self._mlflow
            with mlflow.start_run(experiment_id=self._experiment, run_name=f"train {trained_until}") as run:
                mlflow.log_params(dict(params))
                mlflow.log_metrics(dict(metrics))
                mlflow.set_tags({**tags, "trained_until": trained_until, "bundle_version": version})
                answer = mlflow.models.ModelSignature(
                    inputs=mlflow.types.Schema(
                        [
                            mlflow.types.ColSpec("double", name)
                            if example[name].dtype.kind == "f"
                            else mlflow.types.ColSpec("string", name, required=False)
                            for name in example.columns
                        ]
                    ),
                    outputs=mlflow.types.Schema([mlflow.types.ColSpec("double", "churn_probability")]),
                )
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(Path(__file__).with_name("served.py")),
                    artifacts={_BUNDLE: str(bundle)},
                    signature=answer,
                    input_example=example,
                    # Inferring these would start a process that imports everything: 19 s a model.
                    pip_requirements=[f"retain=={__version__}"],
                    registered_model_name=self.name,
                )
                run_id = run.info.run_id
            number = int(logged.registered_model_version)
            for key, value in {"bundle_version": version, "trained_until": trained_until, **tags}.items():
                self._client.set_model_version_tag(self.name, str(number), key, value)
            if candidate:
                self._alias(CHALLENGER, number)
        return next(one for one in self.versions() if one.number == number and one.run_id == run_id)

    def log_evaluation(self, registered: Registered, cutoff: str, metrics: Mapping[str, float]) -> None:
        """Nothing; the figures are added to the store as a run of their own."""
        with _quietly():
            mlflow = self._mlflow
            with mlflow.start_run(experiment_id=self._experiment, run_name=f"evaluate {cutoff}"):
                mlflow.log_params({"cutoff": cutoff, "model_version": registered.version})
                mlflow.log_metrics({name: value for name, value in metrics.items() if math.isfinite(value)})

    def versions(self) -> tuple[Registered, ...]:
        """Every registered version, oldest first."""
        with _quietly():
            found = self._client.search_model_versions(f"name = '{self.name}'")
            aliases = self._aliases()
        return tuple(
            Registered(
                number=int(one.version),
                version=one.tags.get("bundle_version", ""),
                run_id=one.run_id,
                aliases=tuple(sorted(name for name, number in aliases.items() if number == int(one.version))),
                trained_until=one.tags.get("trained_until", ""),
                tags=dict(one.tags),
            )
            for one in sorted(found, key=lambda one: int(one.version))
        )

    def find(self, reference: str) -> Registered:
        """The version with that alias, number or bundle version.

        Raises:
            ModelError: there is none; the message says what there is.
        """
        known = self.versions()
        for one in known:
            if reference in (*one.aliases, str(one.number), one.version):
                return one
        if not known:
            raise ModelError("No model has been trained in this workspace yet. Run `retain train` first.")
        choices = ", ".join(dict.fromkeys([*self._aliases(), *(str(one.number) for one in known)]))
        raise ModelError(f"No model is called '{reference}'. Choose one of: {choices}.")

    def bundle_of(self, registered: Registered) -> Path:
        """A local folder with that version's bundle."""
        with _quietly():
            place = self._mlflow.artifacts.download_artifacts(f"models:/{self.name}/{registered.number}")
        return Path(place) / "artifacts" / _BUNDLE

    def judged(self, registered: Registered, verdict: Verdict, *, forced: bool = False) -> Registered:
        """That version with the gate's verdict on it; champion, if it passed or was forced through.

        The champion before it is kept for ``rollback``. The store notes the event as a run, with its time.
        """
        with _quietly():
            mlflow, number = self._mlflow, str(registered.number)
            if verdict.passed or forced:
                self._crown(registered.number)
            outcome = "forced" if forced else "promoted" if verdict.passed else "refused"
            with mlflow.start_run(experiment_id=self._experiment, run_name=f"gate {registered.version}"):
                mlflow.log_params({"model_version": registered.version, "outcome": outcome})
                mlflow.set_tags({f"gate.{one.name}": one.words for one in verdict.checks})
            # The verdict comes last: a run that died before is put to the gate again.
            self._client.set_model_version_tag(self.name, number, _FORCED, str(forced).lower())
            self._client.set_model_version_tag(self.name, number, _GATE, verdict.text())
        return self.find(number)

    def rollback(self) -> Registered:
        """The champion before the present one, champion again.

        Raises:
            ModelError: there was none.
        """
        if _PREVIOUS not in self._aliases():
            raise ModelError("There is no earlier champion to go back to.")
        with _quietly():
            self._crown(self._aliases()[_PREVIOUS])
        return self.find(CHAMPION)

    def _crown(self, number: int) -> None:
        """Make that version champion; the one before is remembered."""
        old = self._aliases().get(CHAMPION)
        if old is not None and old != number:
            self._alias(_PREVIOUS, old)
        self._alias(CHAMPION, number)

    def _alias(self, name: str, number: int) -> None:
        with _quietly():
            self._client.set_registered_model_alias(self.name, name, str(number))

    def _aliases(self) -> dict[str, int]:
        """The registered model's aliases and the version numbers that they name."""
        with _quietly():
            found = self._client.search_registered_models(f"name = '{self.name}'")
        return {name: int(number) for one in found for name, number in one.aliases.items()}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """MLflow without its chatter about migrations and new versions; errors still come through."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
