"""The generated pages of the manual are what the software says now, and leave nothing out."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cogapp import Cog  # type: ignore[import-untyped]  # it ships no types
from typer.main import get_command

from retain.cli import manual
from retain.cli.app import BUG, INTERRUPTED, app
from retain.config import FeatureSettings, _value, load_config
from retain.engine.views import VIEWS
from retain.errors import UserError
from retain.events.source import TableSource
from retain.exports.formats import FORMATS
from retain.features.catalog import EVERY
from retain.features.columns import require_readable
from retain.features.manual import in_words
from retain.features.own import OwnSettings
from retain.features.spec import Balance, Contrast, How, Measure, Ratio, measures
from retain.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"
GENERATED = ("cli.md", "configuration.md", "features.md")
VERBS = list(manual.leaves(get_command(app)))
CONFIGS = [
    one.relative_to(DOCS.parent / "configs").as_posix()
    for one in sorted((DOCS.parent / "configs").rglob("*.toml"))
    if one.name != "playbook.toml"
]
SETTINGS = [(place, one.name) for place, kind in manual.sections() for one in manual.keys_of(kind)]


@pytest.fixture(scope="module")
def page() -> Callable[[str], str]:
    """A function from a page's name to its text."""
    return lambda name: (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GENERATED)
def test_running_cog_again_changes_nothing(name: str, tmp_path: Path) -> None:
    """The page was written from this very software; where not, `make docs` writes it again."""
    again = tmp_path / name
    shutil.copy(DOCS / name, again)
    assert Cog().main(["cog", "-r", "-U", "-e", "--verbosity=0", str(again)]) == 0
    assert again.read_text(encoding="utf-8") == (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "verb"), VERBS, ids=[" ".join(path) for path, _ in VERBS])
def test_every_verb_shows_its_options_and_examples(
    page: Callable[[str], str], path: tuple[str, ...], verb: Any
) -> None:
    """A verb has a heading, a line for each option, and an example that begins with its name."""
    section = page("cli.md").split(f"# {' '.join(path)}\n")[1].split("\n#")[0]
    assert f"\n    retain {' '.join(path)}" in section
    for one in verb.params:
        assert any(f"`{written}" in section for written in (one.opts[0], one.name.upper()))
        assert one.help in section


def test_every_exit_code_has_its_own_line(page: Callable[[str], str]) -> None:
    """No two kinds of mistake share a code, and each is explained."""
    kinds: list[type[UserError]] = [UserError, *UserError.__subclasses__()]
    codes = [one.exit_code for one in kinds]
    assert len(set(codes)) == len(codes)
    for code in (0, *codes, BUG, INTERRUPTED):
        assert page("cli.md").count(f"\n| {code} | ") == 1


@pytest.mark.parametrize(("place", "key"), SETTINGS, ids=[".".join(filter(None, one)) for one in SETTINGS])
def test_every_setting_is_explained(page: Callable[[str], str], place: str, key: str) -> None:
    """A key has a line below its section, or opens a section of its own."""
    text = page("configuration.md")
    section = text.split(f"\n## `[{place}]`\n" if place else "\n## Top of the file\n")
    inside = f"\n| `{key}` | " in (section[1].split("\n## ")[0] if len(section) > 1 else "")
    assert inside or f"\n## `[{'.'.join(filter(None, [place, key]))}" in text


@pytest.mark.parametrize("name", EVERY.names)
def test_every_feature_is_in_the_catalogue(page: Callable[[str], str], name: str) -> None:
    """A feature has one line, with why it is there."""
    assert page("features.md").count(f"\n| `{name}` | {EVERY.by_name[name].topic} | ") == 1
    assert EVERY.by_name[name].why in page("features.md")


@pytest.mark.parametrize("how", How)
def test_every_aggregation_has_words(how: How) -> None:
    """A new way to turn events into a number cannot be left without words."""
    value = None if how in (How.COUNT, How.SINCE_LAST, How.SINCE_FIRST) else "amount"
    quantile = 0.9 if how is How.QUANTILE else None
    assert "orders" in in_words(Measure("orders", how, value, quantile=quantile))


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_export_format_is_named_by_the_verb(page: Callable[[str], str], name: str) -> None:
    """The option that takes a format says which there are."""
    option = next(line for line in page("cli.md").splitlines() if line.startswith("| `--to "))
    assert name in option


@pytest.mark.parametrize(("place", "kind"), list(manual.sections()), ids=lambda one: str(one) or "top")
def test_the_shipped_configuration_shows_every_setting(place: str, kind: type) -> None:
    """`configs/default.toml` has each key, but for those of a table's own files and of features of one's own."""
    at: Any = tomllib.loads(shipped("default.toml").read_text(encoding="utf-8"))
    for word in place.replace("NAME", "orders").split("."):
        at = at.get(word, at) if word else at
    keys = {one.name for one in manual.keys_of(kind)}
    assert keys <= set(at) or kind in (TableSource, OwnSettings)
    assert set(at) <= keys


def test_the_examples_of_own_features_are_features(page: Callable[[str], str]) -> None:
    """Those in a configuration, and the family of a package."""
    text = page("features.md")
    examples = tomllib.loads(re.findall(r"```toml\n(# The usual.*?)```", text, re.DOTALL)[0])
    found = _value(FeatureSettings, examples["features"], "features").own_features
    assert [type(one.formula) for one in found] == [Measure, Ratio, Contrast, Balance]
    package: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?def family.*?)```", text, re.DOTALL)[0], package)  # noqa: S102  # our own page
    (feature,) = package["family"]()
    for one in measures(feature.formula):
        require_readable(one, VIEWS, "features.md")


def test_the_example_of_a_configuration_loads(page: Callable[[str], str], tmp_path: Path) -> None:
    """The first block of the page is a whole configuration."""
    written = tmp_path / "example.toml"
    written.write_text(re.findall(r"```toml\n(.*?)```", page("configuration.md"), re.DOTALL)[0])
    config = load_config(written, tmp_path)
    assert config.name == "my_shop"
    assert dict(config.source.tables["orders"].columns)["amount"] == "total"


def test_the_example_of_a_feature_is_one(page: Callable[[str], str]) -> None:
    """The block of code declares a feature that could be added as it stands."""
    code = re.findall(r"```python\n(.*?)```", page("features.md"), re.DOTALL)[-1]
    names: dict[str, Any] = {}
    exec(code.replace("\nFeature(", "\nmade = Feature("), names)  # noqa: S102 - the manual's own example
    feature = names["made"]
    assert feature.name not in EVERY.names
    assert feature.mentioned == (feature.name,)
    assert in_words(feature.formula) == "smallest amount over orders, last 365 days"


@pytest.mark.parametrize("name", CONFIGS)
def test_every_shipped_configuration_loads(name: str, tmp_path: Path) -> None:
    """Those of the data sets too, whether or not the data are at hand."""
    assert load_config(shipped(name), tmp_path).name
