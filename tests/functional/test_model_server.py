"""A real MLflow server on PostgreSQL: the whole way of a model, and what happens when the server does not answer."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from retain.config import load_config
from retain.errors import StoreError
from retain.examples import shop as generated
from retain.pipeline.project import Project
from retain.pipeline.train import run_training
from retain.pipeline.waiting import log_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retain.modelling.tracking import Registered

ROOT = Path(__file__).parents[2]
PATIENCE = 180
"""Seconds that the server has for starting on a busy machine."""
SETTINGS = 'name = "{name}"\n[training]\nlearners = ["logistic"]\nvalidation_cutoffs = 2\n[tracking]\nuri = "{uri}"\n'


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass
class Server:
    """An MLflow server that can be stopped as if its machine had died, and started again at the same address."""

    backend: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """It answers when this returns."""
        words = (
            *("server", "--backend-store-uri", self.backend, "--artifacts-destination", self.folder / "artifacts"),
            *("--host", "127.0.0.1", "--port", self.port, "--workers", 1),
        )  # fmt: skip
        ours = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        settings = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *map(str, words)],
                env={**ours, **settings},
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(PATIENCE * 5):
            with contextlib.suppress(requests.RequestException):
                requests.get(f"{self.uri}/health", timeout=5).raise_for_status()
                return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.2)
        pytest.fail(f"MLflow did not start: {(self.folder / 'log').read_text()}")

    def stop(self) -> None:
        """Nothing listens any more when this returns; whatever it was doing is cut off."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of an empty database of a PostgreSQL that runs for this module only."""
    programs = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[4]))]
    found = programs[-1] if programs else shutil.which("initdb")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("There is no PostgreSQL for the MLflow server; .ci/run installs one.")
        pytest.skip("There is no PostgreSQL, which the MLflow server needs (on Debian: postgresql).")
    # PostgreSQL refuses to run as root, and its socket's path may have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    other: tuple[str, ...] = ()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        other = ("runuser", "-u", "postgres", "--")
    data, port = folder / "data", free_port()

    def run(program: str, *words: object) -> None:
        at = Path(found).with_name(program)
        subprocess.run([*other, at, *map(str, words)], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "-D", data, "-A", "trust", "-U", "mlflow", "--no-sync", "-E", "UTF8", "--locale=C")
        listen = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        run("pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", listen, "start")
        try:
            yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server; a test that stops it starts it again."""
    one = Server(postgres, tmp_path_factory.mktemp("server"))
    try:
        one.start()
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a small shop."""
    return generated.write(tmp_path_factory.mktemp("tables") / "shop", customers=300).out


@pytest.fixture
def home(tables: Path, tmp_path: Path, cli: Callable[..., Any]) -> Callable[..., Any]:
    """A function from a project's name and a store's address to one that runs a verb with both."""

    def made(name: str, uri: str) -> Callable[..., Any]:
        config = tmp_path / f"{name}.toml"
        config.write_text(
            f'{SETTINGS.format(name=name, uri=uri)}\n[source.tables.orders]\npath = "{tables}/orders/*.parquet"\n',
            encoding="utf-8",
        )
        return lambda *words: cli("--config", config, "--workspace", tmp_path / "workspace", *words)

    return made


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Project]:
    """A function from a project's name to the project, as a program would open it."""

    def made(name: str, progress: Callable[[str], None] = lambda _: None) -> Project:
        workspace = tmp_path / "workspace"
        return Project(load_config(tmp_path / f"{name}.toml", workspace), workspace, progress)

    return made


def well(run: Callable[..., Any], *words: object) -> Any:
    """The JSON result of a verb that has to succeed."""
    ran = run(*words, "--json")
    assert ran.code == 0, ran.err
    return ran.json


def runs(project: Project, word: str) -> list[str]:
    """How each of the store's runs of that kind ended."""
    tracking = project.tracking
    found = tracking._client.search_runs([tracking._experiment])
    return [one.info.status for one in found if one.info.run_name.startswith(word)]


def test_a_model_goes_its_whole_way_through_a_server(
    server: Server, home: Callable[..., Any], tmp_path: Path
) -> None:
    """Trained, judged, promoted, rolled back, scored with and evaluated; nothing of it is in the workspace, and results are all that stdout holds."""
    run = home("way", server.uri)
    first = well(run, "train", "--until", "2024-09-01")
    assert (first["model"], first["tracking_uri"]) == (1, server.uri)
    second = well(run, "train")
    assert (second["model"], second["promotion"]["compared_with"]) == (2, first["model_version"])
    assert well(run, "train")["model"] == 2
    if not second["promotion"]["champion"]:
        assert run("models", "promote", "challenger", "--force").code == 0
    assert well(run, "models", "rollback")["model"] == 1
    listed = well(run, "models", "list")
    assert [one["aliases"] for one in listed["models"]] == [["champion"], ["challenger", "previous_champion"]]
    assert listed["waiting"] == 0
    assert well(run, "models", "show", "champion")["card"]["training"]["until"] == "2024-09-01"
    assert "passed" in run("models", "show", "2", "--card").out
    assert well(run, "evaluate", "--cutoff", "2024-10-01")["logged"] is True
    local = tmp_path / "workspace" / "way" / "bundle"
    scored = [
        well(run, "score", "--model", one, "--out", tmp_path / f"scores-{at}")
        for at, one in enumerate(("2", local))
    ]
    assert [one["model_version"] for one in scored] == [second["model_version"]] * 2
    files = [tmp_path / f"scores-{at}" / "scores.parquet" for at in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert well(run, "score")["model_version"] == first["model_version"]
    there = {one.name for one in (server.folder / "artifacts").rglob("*")}
    assert {"MLmodel", "bundle.json", "model.txt", "model-card.md"} <= there
    assert {one.name for one in (tmp_path / "workspace").iterdir()} == {"way"}
    assert run("train").out.endswith(f"\n\nSee it at {server.uri}\n")


def test_projects_on_one_server_do_not_see_each_other(server: Server, home: Callable[..., Any]) -> None:
    """Another one's models are neither listed nor used."""
    run = home("alone", server.uri)
    assert well(run, "models", "list") == {"models": [], "waiting": 0}
    ran = run("score")
    assert (ran.code, "No model has been trained" in ran.err) == (8, True)


def test_a_password_in_the_address_is_not_shown(server: Server, home: Callable[..., Any]) -> None:
    """Neither in results nor in messages."""
    run = home("hidden", server.uri.replace("http://", "http://me:secret@"))
    made = run("train")
    assert (made.code, "secret" in made.out + made.err) == (0, False)
    assert well(run, "train")["tracking_uri"] == server.uri
    ran = home("nowhere", f"http://me:secret@127.0.0.1:{free_port()}")("models", "list")
    assert (ran.code, "secret" in ran.out + ran.err) == (12, False)


def test_a_server_that_is_gone_costs_no_model(
    server: Server, home: Callable[..., Any], opened: Callable[..., Project], tmp_path: Path
) -> None:
    """Stopped before a run and in the middle of two, it is told everything when it is back, in the order of things, once."""
    run = home("gone", server.uri)
    assert run("train", "--until", "2024-08-01").code == 0
    waiting = tmp_path / "workspace" / "gone" / "waiting"

    def stop_at(words: str) -> Callable[[str], None]:
        return lambda said: server.stop() if said.startswith(words) else None

    project = opened("gone", stop_at("logging the run"))
    with pytest.raises(StoreError, match="does not answer") as caught:
        run_training(project, project.instant("2024-09-01"))
    assert str(waiting) in str(caught.value)
    try:
        before = run("train", "--until", "2024-10-01")
        assert (before.code, before.out) == (12, "")
        assert f"could not be logged (2) waits in {waiting}." in before.err
        assert "`retain models log`" in before.err
        assert "defect" not in before.err
        for words in (("models", "list"), ("score",), ("models", "log"), ("models", "rollback")):
            ran = run(*words)
            assert (ran.code, ran.out) == (12, ""), words
        # A model in a folder needs no store.
        assert run("score", "--model", tmp_path / "workspace" / "gone" / "bundle").code == 0
        assert len(list(waiting.iterdir())) == 2
    finally:
        server.start()
    listed = run("models", "list")
    assert "Not logged yet: 2. `retain models log` does it." in listed.out
    # It dies again when the figures of an evaluation are to be logged: they are shown, and kept.
    first = well(run, "models", "list")["models"][0]["model_version"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "request", cut(at="runs/create"))
        judged = run("evaluate", "--cutoff", "2024-09-15", "--json")
    assert (judged.code, judged.json["logged"]) == (12, False)
    assert f"The figures wait in {waiting}" in judged.err
    assert judged.json["model_version"] == first
    logged = well(run, "models", "log")
    assert logged["logged"] == 3
    assert [one["trained_until"] for one in logged["models"]] == ["2024-09-01", "2024-10-01"]
    assert all(one["promotion"]["passed"] is not None for one in logged["models"])
    assert list(waiting.iterdir()) == []
    models = well(run, "models", "list")["models"]
    assert [one["trained_until"] for one in models] == ["2024-08-01", "2024-09-01", "2024-10-01"]
    assert "challenger" in models[-1]["aliases"]
    again = opened("gone")
    assert runs(again, "train").count("FINISHED") == 3
    assert runs(again, "evaluate").count("FINISHED") == 1
    assert "RUNNING" not in runs(again, "")
    said = run("models", "log")
    assert (said.code, said.out) == (0, "Logged what waited: 0 models, 0 evaluations.\n")


def cut(number: int = sys.maxsize, at: str = "nowhere") -> Callable[..., Any]:
    """A client whose connection is dead after so many requests, or from a request to that address on."""
    real, asked = requests.Session.request, 0

    def request(self: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
        nonlocal asked
        asked = number + 1 if at in url else asked + 1
        if asked > number:
            raise requests.ConnectionError("the cable was cut")
        return real(self, method, url, **more)

    return request


def test_whatever_request_is_the_last_the_model_is_logged_once(
    server: Server, home: Callable[..., Any], opened: Callable[..., Project]
) -> None:
    """The connection is cut a little later each time; the attempts add up to one version, one verdict, and no open run."""
    run = home("cut", f"http://127.0.0.1:{free_port()}")
    assert run("train").code == 12
    home("cut", server.uri)
    attempts = 0
    done: tuple[Registered, ...] = ()
    while not done:
        assert attempts < 40
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(requests.Session, "request", cut(2 * attempts + 1))
            with contextlib.suppress(StoreError):
                project = opened("cut")
                done = log_waiting(project)
            attempts += 1
    assert attempts > 5
    project = opened("cut")
    assert len(project.waiting) == 0
    assert project.tracking.versions() == done
    assert done[0].verdict is not None
    assert runs(project, "train").count("FINISHED") == 1
    assert "RUNNING" not in runs(project, "")


class Doorman(BaseHTTPRequestHandler):
    """A server that answers everything with one status, or not at all."""

    status = 0

    def do_GET(self) -> None:
        """Refuse, or keep the caller waiting."""
        if self.status:
            self.send_response(self.status)
            self.end_headers()
            self.wfile.write(b"Who are you?")
        else:
            time.sleep(3)

    do_POST = do_GET  # noqa: N815  # the name that http.server asks for

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, r"refuses access .*Set MLFLOW_TRACKING_USERNAME"),
        (403, r"refuses access .*Set MLFLOW_TRACKING_USERNAME"),
        (404, r"cannot be used .*Check [tracking] uri"),
        (500, "does not answer."),
        (0, "does not answer."),
    ],
)
def test_every_refusal_is_one_message(
    status: int, words: str, home: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed door, another server at that address, errors, and one that keeps everybody waiting: exit code 12 and what to do."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setattr(Doorman, "status", status)
    with ThreadingHTTPServer(("127.0.0.1", 0), Doorman) as door:
        thread = threading.Thread(target=door.serve_forever)
        thread.start()
        try:
            ran = home("door", f"http://127.0.0.1:{door.server_port}")("models", "list")
        finally:
            door.shutdown()
            thread.join()
    assert (ran.code, ran.out) == (12, "")
    told = ran.err.splitlines()[-1]
    for part in words.split(" .*"):
        assert part in told
