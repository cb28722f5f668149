"""One company's configuration, data and models, opened once and used by every verb."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from retain.cache import Cache
from retain.config import find_config, load_config
from retain.contracts import reach
from retain.engine import ENGINES
from retain.engine.kept import Kept, tables_of
from retain.engine.sharded import Sharded
from retain.engine.streams import SPOKEN
from retain.engine.views import columns_at_hand
from retain.errors import ConfigError, GateError, ModelError, OutputError
from retain.events.attributes import TABLE
from retain.events.load import read_events
from retain.features.attributes import attribute_features
from retain.features.catalog import declared, feature_set
from retain.features.manual import in_words
from retain.features.spec import Attribute, FeatureSet, measures
from retain.labels import CONTRACT, INACTIVITY, OURS, observed
from retain.modelling import bundle
from retain.modelling.given import last_known
from retain.modelling.tracking import CHALLENGER, CHAMPION, Tracking
from retain.modelling.waiting import Waiting
from retain.pipeline.memory import budget, needed_mb, peak_mb
from retain.pipeline.needs import Needs
from retain.pipeline.shards import Shards
from retain.scoring.value import learn
from retain.text.annotate import annotated
from retain.text.backends import TEXTS, reader_of
from retain.timeline import instant, midnight_after, today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from retain.config import Config
    from retain.engine.panel import Engine
    from retain.events.store import EventStore
    from retain.features.spec import Feature
    from retain.lifetime.forecast import Forecast
    from retain.lifetime.tenure import ContractForecast
    from retain.modelling.bundle import Bundle
    from retain.modelling.tracking import Registered
    from retain.text.annotate import Coverage


def silent(_: str) -> None:
    """Say nothing."""


class Project:
    """What every verb works on.

    Attributes:
        config: the settings.
        workspace: the folder that takes everything written.
        progress: called with a few words before each step that takes long.
    """

    def __init__(self, config: Config, workspace: Path, progress: Callable[[str], None] = silent) -> None:
        """Nothing is read or written yet.

        Args:
            config: the settings.
            workspace: the folder that takes everything written.
            progress: called with a few words before each step that takes long.
        """
        self.config = config
        self.workspace = workspace
        self.progress = progress
        self._tables: tuple[str, ...] = tuple(config.source.tables)
        self._forecasts: dict[int, Forecast | ContractForecast | None] = {}
        self._needs = Needs.EVERYTHING
        self._open = ExitStack()
        # What is on disk for this run goes with it, however the run ends, unless it is killed.
        weakref.finalize(self, self._open.close)

    @property
    def folder(self) -> Path:
        """This project's own folder in the workspace."""
        return self.workspace / self.config.name

    def read_for_models(self) -> None:
        """Keep nothing on disk in shards but what models and scores are made of; to be said before anything is read."""
        self._needs = Needs.SCORES

    def read_for_features(self) -> None:
        """Leave alone what neither the families nor the definition of churn look at; to be said before anything is read."""
        self._needs = Needs.FEATURES
        if self.config.churn.definition != INACTIVITY:
            return  # the others ask all tables how far they reach, and those of other packages nobody knows what
        read = {"orders"}
        chosen = self.config.features
        for feature in declared(chosen.families, chosen.own_features):
            read.update(tables_of(feature))
        read.update(name for name, one in self.config.source.tables.items() if one.static)
        self._tables = tuple(one for one in self.config.source.tables if one in read)

    @property
    def store(self) -> EventStore:
        """The checked events with what their texts say; bad rows are in the quarantine."""
        return self._read[0]

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """How much of what customers wrote was understood, by table and language."""
        return self._read[1]

    def join(self, folder: Path, needs: Needs) -> Shards:
        """The shards that another process has read, and for which this one works.

        Args:
            folder: that process's, with the shards.
            needs: how much of the tables it looks at.
        """
        allowed = budget(self.config.resources)
        found = Shards(self.config, self._tables, self.folder, allowed, self.progress, needs, folder)
        self.shards = found
        return found

    @cached_property
    def shards(self) -> Shards | None:
        """The same events in shards on disk, where they do not fit in the memory that there is; None where they do.

        A definition of churn of another package may ask all customers at once, so that they are in memory for it.
        """
        allowed = budget(self.config.resources)
        needed = needed_mb(self.config.source, self._tables)
        if needed <= allowed.megabytes:
            return None
        much = f"the tables need about {needed:,.0f} MB of memory and may take {allowed.megabytes:,}"
        if self.config.churn.definition not in OURS:
            self.progress(
                f"{much}; they are read at once all the same, since churn by '{self.config.churn.definition}', of another "
                f"package, may ask all customers at once"
            )
            return None
        self.progress(f"{much}: reading and checking them in shards")
        found = Shards(self.config, self._tables, self.folder, allowed, self.progress, self._needs)
        self._open.callback(found.close)
        return found

    @property
    def outline(self) -> EventStore:
        """A store with every table, column and account; its rows may be left out."""
        return self.store if self.shards is None else self.shards.outline

    def stores(self) -> Iterator[EventStore]:
        """All customers with their events, in the order of their ids: at once where memory allows, else shard by shard."""
        if self.shards is None:
            yield self.store
        else:
            yield from self.shards.stores()

    def orders(self) -> Iterator[EventStore]:
        """All customers with their orders, perhaps without anything else."""
        if self.shards is None:
            yield self.store
        else:
            yield from self.shards.stores_of("orders")

    def tell_memory(self) -> None:
        """Say how much memory was in use, where it was bounded."""
        peak = None if self.shards is None else peak_mb()
        if peak is not None:
            self.progress(f"{peak:,.0f} MB of memory were in use at most")

    def store_with(self, customer_id: str) -> EventStore:
        """A store that has this customer, if any has, and what they wrote: of all customers or of a shard of them."""
        if self.shards is None:
            return self.store
        return self.shards.store(self.shards.spilled.shard_of(customer_id))

    @cached_property
    def _read(self) -> tuple[EventStore, tuple[Coverage, ...]]:
        if self.shards is not None:
            store, _ = self.shards.gathered
            return store, self.shards.coverage
        self.progress("reading and checking the tables")
        checked = read_events(self.config.source, quarantine=self.folder / "quarantine", tables=self._tables)
        return annotated(checked, self.config.text, self.folder / "texts", self.progress)

    @cached_property
    def features(self) -> FeatureSet:
        """The features that the data can feed."""
        chosen = self.config.features
        dated = feature_set(chosen.families, columns_at_hand(self.outline), chosen.own_features)
        found = FeatureSet((*dated.features, *self._attributes))
        if not found.features:
            raise ConfigError(
                f"None of the families {', '.join(self.config.features.families)} can be fed by these tables. Add "
                f"families under [features], or the tables and columns that they read (docs/features.md), or admit "
                f"attributes of customers under [source.tables.customers.static] (docs/data.md)."
            )
        return found

    @property
    def _attributes(self) -> tuple[Feature, ...]:
        """The features that read what the configuration admits of the table of customers."""
        source = self.config.source.tables.get(TABLE)
        if source is None or not source.static:
            return ()
        often = None if self.shards is None else partial(self.shards.spilled.often, TABLE)
        return attribute_features(self.outline.tables[TABLE], source.static, often)

    @cached_property
    def engine(self) -> Engine:
        """What computes features, or finds them where an earlier run has left them."""
        name = self.config.features.engine
        engine = ENGINES.get(name)
        kept = Kept(engine, name, Cache(self.folder / "panels"))
        if self.shards is None:
            return kept
        return Sharded(engine, kept, self.shards.store, self.shards.gathered[1], self.progress)

    @cached_property
    def tracking(self) -> Tracking:
        """The store of runs and models."""
        make_workspace(self.workspace)
        self.progress("opening the model store")
        return Tracking(self.config.tracking, self.workspace, self.config.name)

    @property
    def waiting(self) -> Waiting:
        """What the store of runs and models was not told yet, because it did not answer."""
        return Waiting(self.folder / "waiting")

    def instant(self, text: str) -> int:
        """The instant that the user wrote, read in the project's time zone."""
        return instant(text, self.config.source.zone)

    def forecast(self, cutoff: int) -> Forecast | ContractForecast | None:
        """What was known of all customers at a cutoff and teaches what each will bring, learned once; see ``scoring.value.learn``."""
        if cutoff not in self._forecasts:
            self._forecasts[cutoff] = learn(self.store, cutoff, self.config.churn)
        return self._forecasts[cutoff]

    def end_of_data(self) -> int:
        """The midnight after the last event: the first cutoff at which all data are known.

        Where customers come with labels, after the last of anything known; where nothing has a time, the present day.
        """
        if self.config.churn.given:
            known = self.last_known
            zone = self.config.source.zone
            return today(zone) if known is None else midnight_after(known, zone)
        return midnight_after(self.observed[1], self.config.source.zone)

    @cached_property
    def observed(self) -> tuple[int, int]:
        """The first and last instant of the stretch that the data speak of."""
        if self.shards is not None and self.config.churn.definition == CONTRACT:
            return reach(
                self.outline, (one.tables["contracts"] for one in self.shards.stores_of("contracts"))
            )
        return observed(self.outline, self.config.churn)

    @cached_property
    def last_known(self) -> int | None:
        """The latest instant of anything that the tables of labelled customers tell; None where nothing has a time."""
        if self.shards is None:
            return last_known(self.store)
        found = map(last_known, (self.outline, *self.shards.stores_of(TABLE)))
        return max((one for one in found if one is not None), default=None)

    def learned_from(self, features: FeatureSet) -> dict[str, str]:
        """Fingerprints of what a model of these features learns from: the tables, and how their texts are read."""
        found = {name: one.fingerprint for name, one in self.outline.accounts.items()}
        spoken = any(
            one.value in SPOKEN or one.where in SPOKEN
            for feature in features.features
            for one in measures(feature.formula)
        )
        return found | ({TEXTS: reader_of(self.config.text)} if spoken else {})

    def is_current(self, registered: Registered) -> bool:
        """Whether that model predicts what the configuration asks for, from features that mean the same."""
        texts = self.learned_from(self.features).get(TEXTS)
        return (
            registered.tags.get("churn") == repr(self.config.churn)
            and registered.tags.get("feature_set") == self.features.recipe
            and registered.tags.get(f"data.{TEXTS}") == texts
        )

    def champion(self) -> Registered | None:
        """The model that is used when none is named; None where none has passed the gate."""
        return next((one for one in self.tracking.versions() if CHAMPION in one.aliases), None)

    def find(self, reference: str) -> Registered:
        """The version with that alias, number or bundle version.

        Raises:
            GateError: the champion is asked for, and no model has passed the gate; the message says why.
            ModelError: there is no such version.
        """
        known = self.tracking.versions()
        if reference != CHAMPION or not known or any(CHAMPION in one.aliases for one in known):
            return self.tracking.find(reference)
        last = next((one for one in known if CHALLENGER in one.aliases), None)
        if last is None or last.verdict is None:
            raise GateError("There is no champion: no model was put to the gate yet. Run `retain train`.")
        raise GateError(
            f"There is no champion: the challenger, model {last.number} ({last.version}), did not pass the gate. "
            f"{' '.join(last.verdict.reasons)} To use it once: --model {last.number}. To make it champion all the "
            f"same: `retain models promote {last.number} --force`."
        )

    def model(self, reference: str) -> tuple[Bundle, tuple[str, ...]]:
        """The model to score with, and what a reader of its scores should know.

        Args:
            reference: alias, number or version; or the path of a bundle's folder, which has a slash in it.

        Raises:
            GateError: the champion is asked for, and no model has passed the gate.
            ModelError: there is no such model, it is damaged, or it does not fit the data or the configuration.
        """
        if _is_path(reference):
            return self.fitting(bundle.load(Path(reference))), ()
        registered = self.find(reference)
        verdict = registered.verdict
        if verdict is None or verdict.passed:
            return self.open(registered), ()
        standing = "was made champion by force" if registered.forced else "is no champion"
        note = f"The model {standing}: it did not pass the gate. {' '.join(verdict.reasons)}"
        return self.open(registered), (note,)

    def place_of(self, reference: str) -> Path:
        """The folder of the bundle that ``model`` opens."""
        return Path(reference) if _is_path(reference) else self.tracking.bundle_of(self.find(reference))

    def card_of(self, registered: Registered) -> Mapping[str, Any]:
        """How that version came about, whether or not it fits the data at hand."""
        return bundle.load(self.tracking.bundle_of(registered)).card

    def open(self, registered: Registered) -> Bundle:
        """That version, if it predicts what the configuration asks for and its features can be computed here.

        Raises:
            ModelError: it predicts another definition of churn, or a column that it reads is not there.
        """
        return self.fitting(bundle.load(self.tracking.bundle_of(registered)))

    def fitting(self, opened: Bundle) -> Bundle:
        """The model with the words that its features have now: phrases may be mended without training anew."""
        self.require_fit(opened)
        here = self.features.by_name
        # The words of an attribute stand for what they stood for in training.
        now = (
            one if isinstance(one.formula, Attribute) else here[one.name] for one in opened.features.features
        )
        return replace(opened, features=FeatureSet(tuple(now)))

    def require_fit(self, opened: Bundle) -> None:
        """Nothing, if the model predicts what the configuration asks for and its features can be computed here.

        Raises:
            ModelError: it predicts another definition of churn, a column that it reads is not there, or a feature
                of the company's own means something else now.
        """
        if opened.churn != self.config.churn:
            raise ModelError(
                f"Model {opened.version} predicts another definition of churn than the configuration's: "
                f"{opened.churn.in_words} Run `retain train`, or choose another with --model."
            )
        texts = self.learned_from(opened.features).get(TEXTS)
        if opened.card["data"].get(TEXTS) != texts:
            raise ModelError(
                f"Model {opened.version} was trained on texts that were read in another way: other word lists, or "
                f"another [text] backend. Run `retain train`, or set the backend back."
            )
        here = self.features.by_name
        other = [
            one
            for one in opened.features.features
            if one.name in here and FeatureSet((one,)).recipe != FeatureSet((here[one.name],)).recipe
        ]
        lacking = [
            one.name
            for one in opened.features.features
            if one.name not in here or (one in other and isinstance(one.formula, Attribute))
        ]
        if lacking:
            raise ModelError(
                f"Model {opened.version} reads {', '.join(lacking)}, which these tables and families cannot feed. "
                f"Map the missing columns under [source.tables.NAME] columns, or train a model on what there is."
            )
        changed = [
            f"{one.name} was {in_words(one.formula)} and is {in_words(here[one.name].formula)} now"
            for one in other
        ]
        if changed:
            raise ModelError(
                f"Model {opened.version} was trained on other definitions of its features: {'; '.join(changed)}. Run "
                f"`retain train`, or set the definitions back."
            )


def _is_path(reference: str) -> bool:
    """Whether a bundle's folder is meant, and not a model by its name."""
    return bool(set(reference) & {"/", "\\"})


def make_workspace(workspace: Path) -> None:
    """Nothing; the workspace is a folder afterwards.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        workspace.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise OutputError(
            f"The workspace {workspace} cannot be written: {cause.strerror}. Choose another with --workspace."
        ) from cause


def open_project(named: Path | None, workspace: Path, progress: Callable[[str], None] = silent) -> Project:
    """The project that the user named, or the one found in the present folder.

    Raises:
        ConfigError: there is no configuration, or it is not right.
    """
    return Project(load_config(find_config(named), workspace), workspace, progress)
