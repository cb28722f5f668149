"""From TOML to settings: what is left out is the default, what is unknown is an error."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retain import shipped
from retain.config import ENVIRONMENT, Config, config_of, find_config, load_config, values_of
from retain.decisions.playbook import load_playbook
from retain.errors import ConfigError
from retain.events.source import SourceSettings, TableSource

if TYPE_CHECKING:
    from collections.abc import Callable

    Load = Callable[[str], Config]

SOURCES = [name for name in shipped._names() if name.startswith("sources/")]
TABLE = '[source.tables.orders]\npath = "orders.csv"\n'


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A function from TOML text to settings, from a file called ``mine.toml``."""

    def loaded(text: str) -> Config:
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        return load_config(tmp_path / "mine.toml", tmp_path / "workspace")

    return loaded


@pytest.mark.parametrize("name", ["default.toml", *SOURCES])
def test_every_shipped_configuration_reads(name: str, tmp_path: Path) -> None:
    """With a name and a table at least."""
    config = load_config(shipped.shipped(name), tmp_path)
    assert config.name.replace("_", "").isalnum()
    assert config.source.tables


@pytest.mark.parametrize("name", ["default.toml", *SOURCES])
def test_settings_come_back_from_json(name: str, tmp_path: Path) -> None:
    """Every one of them, with attributes and features of one's own."""
    config = load_config(shipped.shipped(name), tmp_path)
    values = json.loads(json.dumps(values_of(config)))
    assert config_of(values, config.source.base) == config


def test_there_are_sources_besides_the_default() -> None:
    """The test above runs over them."""
    assert len(SOURCES) >= 4


def test_the_default_configuration_shows_the_defaults(tmp_path: Path) -> None:
    """It says of itself that a key left out has the value shown; so each value shown is the setting's default."""
    config = load_config(shipped.shipped("default.toml"), tmp_path)
    bare = Config(name=config.name, source=config.source)
    mine = dataclasses.replace(config.value, currency="")
    assert dataclasses.replace(config, value=mine) == bare
    assert dataclasses.replace(config.source, tables={}, base=Path()) == SourceSettings(tables={})


def test_the_default_configuration_shows_every_key(tmp_path: Path) -> None:
    """Nothing can be set that a newcomer would not find there."""
    text = shipped.shipped("default.toml").read_text(encoding="utf-8")

    def keys(settings: object) -> list[str]:
        found: list[str] = []
        for one in dataclasses.fields(settings):  # type: ignore[arg-type]  # any settings object
            value = getattr(settings, one.name)
            found += keys(value) if dataclasses.is_dataclass(value) else [one.name]
        return found

    for key in set(keys(load_config(shipped.shipped("default.toml"), tmp_path))) - {"base", "tables", "own"}:
        assert f"\n{key} = " in text, key


def test_a_name_and_a_table_are_enough(load: Load) -> None:
    """The name may even be the file's; all else is the default."""
    config = load(TABLE)
    assert config == Config(name="mine", source=config.source)
    assert load(f'name = "shop-2_a"\n{TABLE}').name == "shop-2_a"


def test_values_take_the_place_of_defaults(load: Load) -> None:
    """In every section, and a whole number will do for a fraction."""
    config = load(
        TABLE + 'columns = { amount = "total" }\nvalues.kind = { order = "sale" }\n'
        '[churn]\nhorizon_days = 28\n[training]\nlearners = ["logistic"]\n[evaluation.profit]\nclv = 300\n'
        '[features]\nfamilies = ["rfm"]\nengine = "reference"\n'
    )
    assert config.churn.horizon_days == 28
    assert config.training.learners == ("logistic",)
    assert (config.evaluation.profit.clv, type(config.evaluation.profit.clv)) == (300.0, float)
    assert (config.features.families, config.features.engine) == (("rfm",), "reference")
    orders = config.source.tables["orders"]
    assert dict(orders.columns) == {"amount": "total"}
    assert dict(orders.values["kind"]) == {"order": "sale"}


def test_settings_read_from_a_file_cannot_be_changed(load: Load) -> None:
    """Not even their tables."""
    source: Any = load(TABLE).source
    with pytest.raises(TypeError):
        source.tables["orders"] = TableSource("other.csv")


def test_relative_paths_start_from_the_file(load: Load, tmp_path: Path) -> None:
    """Wherever the command is run."""
    config = load(TABLE)
    assert config.source.base == tmp_path
    assert config.source.tables["orders"].path == "orders.csv"


def test_a_path_may_start_from_the_workspace(load: Load, tmp_path: Path) -> None:
    """Which may be elsewhere; the table's other settings stay."""
    config = load('[source.tables.orders]\npath = "workspace:data/o.csv"\nformat = "csv"')
    orders = config.source.tables["orders"]
    assert (orders.path, orders.format) == (str(tmp_path / "workspace" / "data" / "o.csv"), "csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[chrun]\n", "There is no section or key 'chrun'. Did you mean 'churn'?"),
        ("[churn]\nhorizn_days = 90\n", "[churn] has no key 'horizn_days'. Did you mean 'horizon_days'?"),
        (
            "[evaluation.profit]\ncvl = 3.0\n",
            "[evaluation.profit] has no key 'cvl'. Did you mean 'clv'?",
        ),
        (
            "[training]\nzzz = 3\n",
            "[training] has no key 'zzz'. Choose one of: allow_leaks, falling, learners, logistic, most_cutoffs, rising, seed, step_days, threads, ",
        ),
        ('[source]\nbase = "/"\n', "[source] has no key 'base'."),
        ('[churn]\nhorizon_days = "90"\n', "churn.horizon_days is '90'; it has to be a whole number."),
        ("[churn]\nhorizon_days = 90.0\n", "churn.horizon_days is 90.0; it has to be a whole number."),
        ("[churn]\nhorizon_days = true\n", "churn.horizon_days is True; it has to be a whole number."),
        ('[tiers]\nmedium = "0.3"\n', "tiers.medium is '0.3'; it has to be a number."),
        ("[tiers]\nmedium = true\n", "tiers.medium is True; it has to be a number."),
        ("[churn]\ndefinition = 3\n", "churn.definition is 3; it has to be a text in quotes."),
        ('[features]\nfamilies = "rfm"\n', "features.families is 'rfm'; it has to be a list in brackets."),
        ("[features]\nfamilies = [3]\n", "features.families is 3; it has to be a text in quotes."),
        ('[evaluation]\nprofit = "much"\n', "[evaluation.profit] has to be a section."),
        ("[churn]\nhorizon_days = 0\n", "The label window needs horizon_days from 1 to 36500"),
        ("[churn]\nactive_days = 0\n", "[churn] active_days is 0"),
        ("[tiers]\nmedium = 0.9\n", "[tiers] have to rise between 0 and 1"),
        ("[training]\nthreads = 0\n", "[training] threads is 0"),
        ('[value]\nsource = "guess"\n', "[value] source is 'guess'"),
        ("[evaluation.profit]\nclv = 1.0\n", "must be above incentive_cost"),
        ("[evaluation]\nresamples = 0\n", "[evaluation] resamples is 0; it has to be at least 1."),
        ('[features]\nengine = "kernal"\n', "No engine is called 'kernal'. Did you mean 'kernel'?"),
        ('[churn]\ndefinition = "inactive"\n', "No definition of churn is called 'inactive'. Did you mean"),
        ('[training]\nlearners = ["blend", "logistik"]\n', "No learner is called 'logistik'. Did you mean"),
        ('[features]\nfamilies = ["rmf"]\n', "[features] families: there is no 'rmf'. Did you mean 'rfm'?"),
        ("[features]\nfamilies = []\n", "[features] families is empty. Name one at least, such as 'rfm'."),
    ],
)
def test_what_means_nothing_is_refused(load: Load, text: str, message: str) -> None:
    """The file, the place, what it should be; and the nearest name where one is misspelt."""
    with pytest.raises(ConfigError) as caught:
        load(TABLE + text)
    assert "mine.toml: " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is no [source.tables.NAME] that says where a table is."),
        ("[source]\ntables = 3\n", "source.tables has to be a table of names and values."),
        ("[source]\ntables = {}\n", "There is no [source.tables.NAME] that says where a table is."),
        ("source = 3\n", "[source] has to be a section."),
        ("[source.tables]\norders = 3\n", "[source.tables.orders] has to be a section."),
        ("[source.tables.orders]\n", "[source.tables.orders] lacks 'path'."),
        (
            '[source.tables.order]\npath = "o.csv"\n',
            "[source.tables.order]: no such table. Did you mean 'orders'?",
        ),
        ('[source]\nzone = "Mars"\n' + TABLE, "'Mars' is no time zone."),
        ("name = 3\n" + TABLE, "name is 3; it has to be a text in quotes."),
        ('name = ""\n' + TABLE, "name = '' may hold letters, digits, '-' and '_' only."),
        ('name = "../up"\n' + TABLE, "name = '../up' may hold"),
        ('name = "--"\n' + TABLE, "name = '--' may hold"),
    ],
)
def test_a_source_and_a_name_that_cannot_be_used_are_refused(load: Load, text: str, message: str) -> None:
    """Before any data is read."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert message in str(caught.value)


def test_what_is_no_toml_is_refused(load: Load) -> None:
    """With the line."""
    with pytest.raises(ConfigError, match=r"mine\.toml is no TOML: .*line 2"):
        load("name = 'a'\nname = \nx = 1")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, a folder, or not in UTF-8."""
    with pytest.raises(ConfigError, match=r"There is no configuration .*none\.toml\. `retain init FOLDER`"):
        load_config(tmp_path / "none.toml", tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, tmp_path)
    (tmp_path / "latin.toml").write_bytes("name = 'Großhandel'".encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "latin.toml", tmp_path)


def test_a_configuration_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one named, else the environment's, else one in the present folder; none of them is an error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    with pytest.raises(
        ConfigError, match=r"No configuration: name one with --config FILE, set RETAIN_CONFIG"
    ):
        find_config(None)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "default.toml").touch()
    assert find_config(None) == Path("configs/default.toml")
    (tmp_path / "retain.toml").touch()
    assert find_config(None) == Path("retain.toml")
    monkeypatch.setenv(ENVIRONMENT, "elsewhere.toml")
    assert find_config(None) == Path("elsewhere.toml")
    assert find_config(Path("named.toml")) == Path("named.toml")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("[tracking]\nuri = 'sqlite:///x.db'\n", True),
        ("[evaluation]\nresamples = 10\n", True),
        ("[churn]\nhorizon_days = 28\n", False),
        ("[features]\nfamilies = ['rfm']\n", False),
        ("[tiers]\nmedium = 0.3\n", False),
        ("[value]\nmargin_share = 0.5\n", False),
        ("[source]\nzone = 'Europe/Sofia'\n", False),
        ("[source]\nmoney_exponent = 0\n", False),
    ],
)
def test_the_digest_is_of_what_decides_a_score(load: Load, text: str, *, same: bool) -> None:
    """Not of where things are or how quality is measured."""
    assert (load(text + TABLE).digest == load(TABLE).digest) == same


def test_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    """Windows editors write one; the configuration and the playbook read the same with it."""
    mine = tmp_path / "mine.toml"
    mine.write_text(TABLE, encoding="utf-8-sig")
    assert load_config(mine, tmp_path).source.tables["orders"].path == "orders.csv"
    mine.write_text(shipped.shipped("playbook.toml").read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert load_playbook(mine) == load_playbook()
