"""The logged model outside of retain: behind MLflow's own HTTP server, and as a function on Spark."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests

from retain.config import load_config
from retain.examples import shop as generated
from retain.modelling.training import eligible_snapshots
from retain.pipeline.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession

    from retain.engine.panel import FloatArray

ROOT = Path(__file__).parents[2]
PATIENCE = 180
"""Seconds that a server has for starting on a busy machine."""


@dataclass(frozen=True)
class Logged:
    """A model in a store, rows of features, and the probabilities that the bundle itself gives them.

    Attributes:
        uri: of the model.
        store: of the runs.
        names: of the features.
        x: rows by features, with unknown values.
        p: of the rows.
    """

    uri: str
    store: str
    names: tuple[str, ...]
    x: FloatArray
    p: FloatArray


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, model_store: Path, cli: Callable[..., Any]) -> Logged:
    """A small shop's model, which has unknown values to read."""
    folder = tmp_path_factory.mktemp("served")
    workspace = folder / "workspace"
    workspace.mkdir()
    shutil.copy(model_store, workspace / "mlflow.db")
    generated.write(folder / "shop", customers=250)
    config = folder / "shop.toml"
    config.write_text(
        'name = "served"\n[training]\nvalidation_cutoffs = 1\nlearners = ["blend"]\n'
        '[source.tables.orders]\npath = "shop/orders/*.parquet"\n',
        encoding="utf-8",
    )
    ran = cli("--config", config, "--workspace", workspace, "train")
    assert ran.code == 0, ran.err
    project = Project(load_config(config, workspace), workspace)
    registered = project.tracking.find("challenger")
    opened = project.open(registered)
    snapshots = eligible_snapshots(project.store, [project.instant("2024-09-01")], project.config.churn)
    x = project.engine(project.store, opened.features, snapshots).values
    assert np.isnan(x).any()
    uri = f"models:/{project.tracking.name}@challenger"
    return Logged(uri, project.tracking.uri, opened.features.names, x, opened.probabilities(x))


@pytest.fixture(scope="module")
def served(logged: Logged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `mlflow models serve` with that model, in a process of its own."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    settings = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": logged.store,
        "PYTHONPATH": str(ROOT / "src"),
        # The server starts another program by its name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    words = (
        "models",
        "serve",
        "-m",
        logged.uri,
        "--env-manager",
        "local",
        "--port",
        str(port),
        "--workers",
        "1",
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words],
            env={**ours, **settings},
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(PATIENCE * 5):
            with contextlib.suppress(requests.RequestException):
                requests.get(f"{address}/ping", timeout=5).raise_for_status()
                break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def asked(served: str, rows: Sequence[Mapping[str, float | None]]) -> requests.Response:
    """The answer to rows by name."""
    return requests.post(f"{served}/invocations", json={"dataframe_records": rows}, timeout=60)


def test_the_server_gives_the_bundle_s_own_probabilities(served: str, logged: Logged) -> None:
    """To the last digit that JSON carries, whatever the order of the columns, with null for what is not known."""
    rows = [
        {name: None if np.isnan(value) else value for name, value in zip(logged.names, row, strict=True)}
        for row in logged.x.tolist()
    ]
    for sent in (rows, [dict(reversed(one.items())) for one in rows]):
        answer = asked(served, sent)
        assert answer.status_code == 200, answer.text
        got = [one["churn_probability"] for one in answer.json()["predictions"]]
        assert got == logged.p.tolist()


def test_the_server_takes_whole_numbers_and_rows_of_nothing_known(served: str, logged: Logged) -> None:
    """As a program in another language would send them; one row is enough."""
    whole = asked(served, [dict.fromkeys(logged.names, 3)])
    exact = asked(served, [dict.fromkeys(logged.names, 3.0)])
    assert whole.status_code == exact.status_code == 200, whole.text
    assert whole.json() == exact.json()
    unknown = asked(served, [dict.fromkeys(logged.names)])
    assert unknown.status_code == 200, unknown.text
    assert 0 < unknown.json()["predictions"][0]["churn_probability"] < 1


def test_the_server_names_a_missing_column(served: str, logged: Logged) -> None:
    """Refused as the caller's mistake."""
    row = dict.fromkeys(logged.names[1:], 1.0)
    answer = asked(served, [row])
    assert answer.status_code == 400
    assert logged.names[0] in answer.text


@pytest.fixture(scope="module")
def spark(start_spark: Callable[..., SparkSession]) -> SparkSession:
    """Spark with little to shuffle."""
    return start_spark(**{"spark.sql.shuffle.partitions": "2"})


def test_the_model_is_a_function_on_spark(spark: SparkSession, logged: Logged) -> None:
    """Each row of a table of features gets the very probability, in several partitions."""
    import mlflow  # noqa: PLC0415  # takes seconds to load

    mlflow.set_tracking_uri(logged.store)
    mlflow.set_registry_uri(logged.store)
    churn = mlflow.pyfunc.spark_udf(spark, logged.uri, result_type="double", env_manager="local")
    rows = [
        (at, *(None if np.isnan(one) else one for one in row)) for at, row in enumerate(logged.x.tolist())
    ]
    schema = ", ".join(["row long", *(f"{name} double" for name in logged.names)])
    table = spark.createDataFrame(rows, schema).repartition(3)
    scored = table.select("row", churn(*logged.names).alias("p")).orderBy("row").collect()
    assert [one["p"] for one in scored] == logged.p.tolist()
