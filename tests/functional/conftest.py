"""What the tests of the whole command share: a way to call it, a trained shop, and small tables of one's own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retain.cli.app import main
from retain.examples import shop as generated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "configs" / "sources" / "shop.toml"
CUSTOMERS = 400
KNOWN_UNTIL = "2024-09-01"
"""The shop's first model knows outcomes until then; the second knows all."""


@dataclass(frozen=True)
class Ran:
    """How one call ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout holds: exactly one JSON object, without NaN or Infinity."""

        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is no JSON")

        found = json.loads(self.out, parse_constant=refuse)
        assert isinstance(found, dict)
        return found


def call(*words: object) -> Ran:
    """The command line, run in this process."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int)
    return Ran(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Home:
    """A configuration and a workspace, and calls that name both."""

    config: Path
    workspace: Path

    @property
    def words(self) -> tuple[str, ...]:
        """The options that name both."""
        return ("--config", str(self.config), "--workspace", str(self.workspace))

    def __call__(self, *words: object) -> Ran:
        """Run a verb; progress and errors are in ``err``."""
        return call(*self.words, *words)

    def well(self, *words: object) -> Any:
        """The JSON result of a verb that has to succeed."""
        ran = self(*words, "--json")
        assert ran.code == 0, ran.err
        return ran.json


@pytest.fixture(scope="session")
def cli() -> Callable[..., Ran]:
    """Run the command line with these words."""
    return call


@pytest.fixture(scope="session")
def in_a_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python in a process of its own with these arguments; it need not succeed."""

    def run(*words: object, threads: int = 1) -> subprocess.CompletedProcess[str]:
        # MLflow leaves the store of the latest test in the environment.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        surroundings = {**ours, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": str(threads)}
        return subprocess.run(
            [sys.executable, *map(str, words)], capture_output=True, text=True, check=False, env=surroundings
        )

    return run


@pytest.fixture(scope="session")
def model_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty model store; making one takes seconds, copying it none."""
    folder = tmp_path_factory.mktemp("store")
    config = folder / "nobody.toml"
    config.write_text('[source.tables.orders]\npath = "none.csv"\n')
    assert Home(config, folder)("models", "list").code == 0
    return folder / "mlflow.db"


@pytest.fixture
def own(tmp_path: Path, model_store: Path) -> Callable[..., Home]:
    """A function from the text of an orders table, and more configuration, to a home in a folder of its own."""

    def made(
        orders: str | bytes, more: str = "", *, name: str = "orders.csv", settings: str = "", source: str = ""
    ) -> Home:
        workspace = tmp_path / "workspace"
        workspace.mkdir(exist_ok=True)
        if not (workspace / "mlflow.db").exists():
            shutil.copy(model_store, workspace / "mlflow.db")
        (tmp_path / name).write_bytes(orders if isinstance(orders, bytes) else orders.encode())
        config = tmp_path / "own.toml"
        config.write_text(
            f'{settings}\n[source]\n{source}\n[source.tables.orders]\npath = "{name}"\n{more}\n',
            encoding="utf-8",
        )
        return Home(config, workspace)

    return made


@pytest.fixture(scope="session")
def closed_early() -> Callable[..., str]:
    """A function from a command's words to what it says on stderr when nobody reads its stdout."""

    def said(*words: object) -> str:
        with subprocess.Popen(
            [sys.executable, "-m", "retain", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            running.stdout.close()
            return running.stderr.read()

    return said


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, model_store: Path) -> Home:
    """A generated shop with two models (the first one champion again) and the scores of its last day."""
    workspace = tmp_path_factory.mktemp("shop")
    shutil.copy(model_store, workspace / "mlflow.db")
    generated.write(workspace / "data" / "shop", customers=CUSTOMERS)
    home = Home(SHOP, workspace)
    home.well("train", "--until", KNOWN_UNTIL)
    home.well("train")
    # On so few customers the second one, of another recipe, cannot show that it is no worse.
    home.well("models", "promote", "challenger", "--force")
    home.well("models", "rollback")
    home.well("score")
    return home


@pytest.fixture(scope="module")
def start_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., SparkSession]]:
    """A function that starts Spark in this process, on two cores, with settings beside these; it ends with the module."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  # most tests do without

    if shutil.which("java") is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Java for Spark; .ci/run installs one.")
        pytest.skip("There is no Java, which Spark needs (on Debian: default-jre-headless).")
    started: list[SparkSession] = []

    def start(**settings: str) -> SparkSession:
        builder = SparkSession.builder.master("local[2]")
        warehouse = str(tmp_path_factory.mktemp("warehouse"))
        for name, value in {
            "spark.ui.enabled": "false",
            "spark.driver.memory": "1g",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.warehouse.dir": warehouse,
            **settings,
        }.items():
            builder = builder.config(name, value)
        started.append(builder.getOrCreate())
        started[-1].sparkContext.setLogLevel("ERROR")
        return started[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join(one for one in sys.path if one))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield start
        for one in started:
            one.stop()
