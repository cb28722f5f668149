"""The only door to MLflow: runs, logged models, and the registry with its aliases."""

from __future__ import annotations

import contextlib
import io
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retain import __version__
from retain.errors import ModelError, OutputError, StoreError
from retain.modelling import moved
from retain.modelling.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from retain.modelling.waiting import Measured, Training, Tuned, TunedTrial

# MLflow reads these when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
# Standard output is for results; MLflow would put the address of each run of a server there.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# A server that does not answer is told within a minute or two, not after MLflow's many patient retries.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")

CHAMPION, CHALLENGER = "champion", "challenger"
_PREVIOUS = "previous_champion"
_BUNDLE = "bundle"
_GATE, _FORCED = "gate", "gate.forced"
"""Tags of a version: the gate's verdict on it, and whether it was overridden."""
_VERSION, _UNTIL = "bundle_version", "trained_until"
_TUNING, _TRIAL, _PARENT = "tuning", "trial", "mlflow.parentRunId"
"""Tags of a run: which tuning it is, which of its trials, and, by MLflow's own name, the run that it belongs to."""
_NO_ACCESS = frozenset({"CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED", "UNAUTHENTICATED"})
"""What MLflow calls an answer of 401 or 403."""


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
    """The store of one project's runs and models.

    Attributes:
        uri: where it is.
        name: of the experiment and of the registered model.
    """

    def __init__(self, settings: TrackingSettings, workspace: Path, project: str) -> None:
        """Open the store, and make it where it does not exist yet.

        Args:
            settings: where it is.
            workspace: where a store of our own is put.
            project: names the experiment and the registered model.

        Raises:
            StoreError: it does not answer or refuses, or it is damaged.
        """
        own = (workspace / "mlflow.db").resolve()
        if not settings.uri and set("?%") & set(str(own)):
            raise OutputError(
                f"The workspace {workspace} has a '?' or '%' in its path, which a database's address cannot hold."
            )
        if not settings.uri:
            own.parent.mkdir(parents=True, exist_ok=True)
        self.uri = settings.uri or f"sqlite:///{own}"
        self.name = f"retain-{project}"
        place = None if settings.uri else (workspace / "mlartifacts" / project).resolve().as_uri()
        with _quietly():
            import mlflow  # noqa: PLC0415  # takes seconds to load

            self._mlflow = mlflow
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
            try:
                self._client = mlflow.MlflowClient(self.uri, self.uri)
                self._experiment = self._open(own, place)
            # MLflow passes on whatever its stores raise: its own errors, a database's, a missing driver's.
            except Exception as cause:
                raise self._complaint(cause) from cause

    @property
    def shown(self) -> str:
        """The store's address without a password, for results and messages."""
        return _without_password(self.uri)

    def log(self, bundle: Path, training: Training) -> Registered:
        """The registered version that holds this bundle: a new one, or the one already there.

        A new candidate is the challenger.

        Args:
            bundle: the bundle's folder.
            training: how it came about.

        Raises:
            StoreError: the store does not answer or refuses. Logging once more is safe: it goes on with what is there.
        """
        for known in self.versions():
            if known.version == training.version:
                self._finish(known.run_id)
                if training.candidate and known.verdict is None:
                    self._alias(CHALLENGER, known.number)
                return self.find(training.version)
        mine = {_VERSION: training.version, _UNTIL: training.trained_until}
        example = training.example()
        with self._run(f"train {training.trained_until}") as (mlflow, run_id):
            mlflow.set_tags({**training.tags, **mine})
            mlflow.log_params(dict(training.params))
            mlflow.log_metrics(dict(training.metrics))
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
                # They come with the version: one without its tags could never be told from others.
                tags={**training.tags, **mine},
            )
        number = int(logged.registered_model_version)
        if training.candidate:
            self._alias(CHALLENGER, number)
        return next(one for one in self.versions() if one.number == number and one.run_id == run_id)

    def log_evaluation(self, measured: Measured) -> None:
        """Nothing; the figures are added to the store as a run of their own.

        Raises:
            StoreError: the store does not answer or refuses.
        """
        with self._run(f"evaluate {measured.cutoff}") as (mlflow, _):
            mlflow.log_params({"cutoff": measured.cutoff, "model_version": measured.version})
            mlflow.log_metrics(dict(measured.metrics))

    def log_tuning(self, tuned: Tuned) -> str:
        """The id of the run that holds a tuning, with a nested run for each trial.

        Args:
            tuned: what came of it; trials that are there already, from an earlier attempt or of a tuning that went on, are left
                as they are.

        Raises:
            StoreError: the store does not answer or refuses. Logging once more is safe: it goes on with what is there.
        """
        mlflow, client = self._mlflow, self._client
        with self._reached():
            known = client.search_runs([self._experiment], f"tags.`{_TUNING}` = '{tuned.version}'")
            parent = known[0].info.run_id if known else ""
            if not known:
                run = client.create_run(
                    self._experiment, run_name=f"tune {tuned.until}".strip(), tags={_TUNING: tuned.version}
                )
                parent = run.info.run_id
            nested = client.search_runs(
                [self._experiment], f"tags.`{_PARENT}` = '{parent}'", max_results=50_000
            )
            for one in nested:
                if one.info.status == "RUNNING":
                    client.set_terminated(one.info.run_id, "KILLED")
            there = {one.data.tags.get(_TRIAL) for one in nested if one.info.status == "FINISHED"}
            for trial in tuned.trials:
                if str(trial.number) not in there:
                    self._log_trial(parent, trial)
            told = mlflow.entities
            moment = int(time.time() * 1000)
            client.log_batch(
                parent,
                metrics=[
                    told.Metric(name, value, moment, len(tuned.trials))
                    for name, value in tuned.metrics.items()
                ],
                params=[told.Param(*one) for one in tuned.params.items()],
                tags=[told.RunTag(*one) for one in tuned.tags.items()],
            )
            client.log_text(parent, tuned.picture, "tune.svg")
            client.set_terminated(parent)
        return str(parent)

    def _log_trial(self, parent: str, trial: TunedTrial) -> None:
        """Add a trial to its tuning."""
        told = self._mlflow.entities
        run = self._client.create_run(
            self._experiment,
            run_name=f"trial {trial.number}",
            tags={_PARENT: parent, _TRIAL: str(trial.number)},
        ).info.run_id
        moment = int(time.time() * 1000)
        self._client.log_batch(
            run,
            metrics=[told.Metric(name, value, moment, 0) for name, value in trial.metrics.items()],
            params=[told.Param(*one) for one in trial.params.items()],
        )
        self._client.set_terminated(run)

    def versions(self) -> tuple[Registered, ...]:
        """Every registered version, oldest first.

        Raises:
            StoreError: the store does not answer or refuses.
        """
        with self._reached():
            found = self._client.search_model_versions(f"name = '{self.name}'")
        aliases = self._aliases()
        return tuple(
            Registered(
                number=int(one.version),
                version=one.tags.get(_VERSION, ""),
                run_id=one.run_id,
                aliases=tuple(sorted(name for name, number in aliases.items() if number == int(one.version))),
                trained_until=one.tags.get(_UNTIL, ""),
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
        """A local folder with that version's bundle.

        Raises:
            StoreError: the store does not answer or refuses.
        """
        with self._reached():
            place = self._mlflow.artifacts.download_artifacts(f"models:/{self.name}/{registered.number}")
        return Path(place) / "artifacts" / _BUNDLE

    def judged(self, registered: Registered, verdict: Verdict, *, forced: bool = False) -> Registered:
        """That version with the gate's verdict on it; champion, if it passed or was forced through.

        The champion before it is kept for ``rollback``. The store notes the event as a run, with its time.

        Raises:
            StoreError: the store does not answer or refuses.
        """
        number = str(registered.number)
        if verdict.passed or forced:
            self._crown(registered.number)
        outcome = "forced" if forced else "promoted" if verdict.passed else "refused"
        with self._run(f"gate {registered.version}") as (mlflow, _):
            mlflow.log_params({"model_version": registered.version, "outcome": outcome})
            mlflow.set_tags({f"gate.{one.name}": one.words for one in verdict.checks})
        with self._reached():
            # The verdict comes last: a run that died before is put to the gate again.
            self._client.set_model_version_tag(self.name, number, _FORCED, str(forced).lower())
            self._client.set_model_version_tag(self.name, number, _GATE, verdict.text())
        return self.find(number)

    def rollback(self) -> Registered:
        """The champion before the present one, champion again.

        Raises:
            ModelError: there was none.
            StoreError: the store does not answer or refuses.
        """
        previous = self._aliases().get(_PREVIOUS)
        if previous is None:
            raise ModelError("There is no earlier champion to go back to.")
        self._crown(previous)
        return self.find(CHAMPION)

    def _crown(self, number: int) -> None:
        """Make that version champion; the one before is remembered."""
        old = self._aliases().get(CHAMPION)
        if old is not None and old != number:
            self._alias(_PREVIOUS, old)
        self._alias(CHAMPION, number)

    def _alias(self, name: str, number: int) -> None:
        with self._reached():
            self._client.set_registered_model_alias(self.name, name, str(number))

    def _aliases(self) -> dict[str, int]:
        """The registered model's aliases and the version numbers that they name."""
        with self._reached():
            found = self._client.search_registered_models(f"name = '{self.name}'")
        return {name: int(number) for one in found for name, number in one.aliases.items()}

    def _open(self, own: Path, place: str | None) -> str:
        """The experiment's id; the experiment is made where there is none.

        Args:
            own: the database of a store of our own.
            place: where such a store has its files; None is for the store to say.
        """
        experiment = self._client.get_experiment_by_name(self.name)
        if experiment is None:
            return str(self._client.create_experiment(self.name, artifact_location=place))
        if place is not None and experiment.artifact_location != place:
            moved.follow(own, experiment.artifact_location, place)
        return str(experiment.experiment_id)

    def _finish(self, run_id: str) -> None:
        """End a run that lost the store right after it had registered its model."""
        with self._reached():
            if self._client.get_run(run_id).info.status == "RUNNING":
                self._client.set_terminated(run_id)

    @contextlib.contextmanager
    def _run(self, name: str) -> Iterator[tuple[Any, str]]:
        """MLflow with a new run of that name, and the run's id; what an earlier attempt left open is closed.

        Raises:
            StoreError: the store does not answer or refuses.
        """
        with self._reached():
            for one in self._client.search_runs([self._experiment], f"attributes.run_name = '{name}'"):
                if one.info.status == "RUNNING":
                    self._client.set_terminated(one.info.run_id, "KILLED")
            with self._mlflow.start_run(experiment_id=self._experiment, run_name=name) as run:
                yield self._mlflow, run.info.run_id

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """MLflow at work, quietly; what it cannot do is one message.

        Raises:
            StoreError: the store does not answer or refuses.
        """
        with _quietly():
            try:
                yield
            # What requests raises is an OSError, too.
            except (self._mlflow.MlflowException, OSError) as cause:
                raise self._complaint(cause) from cause

    def _complaint(self, cause: Exception) -> StoreError:
        """What is wrong with the store, and what to do."""
        code = str(getattr(cause, "error_code", type(cause).__name__))
        if code in _NO_ACCESS:
            return StoreError(
                f"The model store {self.shown} refuses access ({code}). Set MLFLOW_TRACKING_USERNAME and "
                f"MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, in the environment."
            )
        if isinstance(cause, OSError) and cause.filename is not None:
            return StoreError(
                f"The model store {self.shown} cannot read or write {cause.filename}: {cause.strerror}. Check that the file "
                f"is there and the disk is not full."
            )
        if any(isinstance(one, OSError) for one in (cause, cause.__cause__, cause.__context__)):
            return StoreError(
                f"The model store {self.shown} does not answer. Check [tracking] uri, and that the store runs; "
                f"MLFLOW_HTTP_REQUEST_TIMEOUT and MLFLOW_HTTP_REQUEST_MAX_RETRIES in the environment say how long to wait."
            )
        return StoreError(
            f"The model store {self.shown} cannot be used ({code}). Check [tracking] uri, and that the store runs; "
            f"a damaged one in the workspace can be moved away, and models trained again."
        )


def _without_password(uri: str) -> str:
    """The address without who asks.

    >>> _without_password("https://me:secret@models.example/x")
    'https://models.example/x'
    """
    found = urlsplit(uri)
    host = found.netloc.rpartition("@")[2]
    return uri if host == found.netloc else found._replace(netloc=host).geturl()


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """MLflow without its chatter about migrations and new versions; errors still come through."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
