"""The scoring contract: everyone once, the same bytes for the same facts, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from retain.events import checked
from retain.exports.manifest import verify
from retain.pipeline import score as pipeline_score
from retain.scoring.tiers import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = (
    "customer_id as_of status status_reason churn_probability risk_tier priority expected_value value_at_risk "
    "reason_1 reason_2 reason_3 recommended_action action_channel action_why model_version run_id"
).split()
ENDING = "2025-01-01"
KILLED = """
import os, signal, sys
from pathlib import Path
from retain.cli.app import main
from retain.pipeline import score

def half(where, batches):
    Path(where).write_bytes(b"PAR1 and then nothing")
    os.kill(os.getpid(), signal.SIGKILL)

score.write_card = half
main(sys.argv[1:])
"""
SERVED = """
import sys
import mlflow, pandas as pd
store, features, out = sys.argv[1:]
mlflow.set_tracking_uri(store)
model = mlflow.pyfunc.load_model("models:/retain-shop@champion")
panel = pd.read_parquet(features)
answer = model.predict(panel.drop(columns=["customer_id", "cutoff", "eligible"]))
panel[["customer_id", "eligible"]].assign(p=answer["churn_probability"]).to_parquet(out)
"""


def in_folder(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file below a folder, by its path."""
    return {
        str(one.relative_to(folder)): hashlib.sha256(one.read_bytes()).hexdigest()
        for one in sorted(folder.rglob("*"))
        if one.is_file()
    }


@pytest.fixture(scope="module")
def scores(shop: Any) -> pa.Table:
    """The scores of the shop's last day."""
    return parquet.read_table(shop.workspace / "shop" / "scores" / ENDING / "scores.parquet")


def test_every_customer_has_exactly_one_row(shop: Any, scores: pa.Table) -> None:
    """Each customer of the input is there once, sorted by id, with the columns of the contract and no other."""
    given = parquet.read_table(shop.workspace / "data" / "shop" / "customers")["customer_id"].to_pylist()
    assert scores.column_names == COLUMNS
    assert scores["customer_id"].to_pylist() == sorted(given)


def test_who_has_a_score_has_all_of_it_and_who_has_none_has_a_reason(scores: pa.Table) -> None:
    """Scored rows have probability, tier, value, a reason and an action; the others say why they have none."""
    rows = scores.to_pylist()
    assert {one["status"] for one in rows} == {"scored", "not_eligible", "no_history"}
    for one in rows:
        if one["status"] == "scored":
            assert 0 < one["churn_probability"] < 1
            assert one["risk_tier"] in TIERS
            assert 0 <= one["priority"] <= 100
            assert one["value_at_risk"] == pytest.approx(
                one["churn_probability"] * one["expected_value"], abs=0.006
            )
            assert one["reason_1"]
            assert one["recommended_action"]
            assert one["status_reason"] is None
        else:
            assert one["status_reason"]
            assert all(one[name] is None for name in COLUMNS[4:15]), (
                "without a score there is nothing to act on"
            )


def test_nobody_is_contacted_against_their_will(shop: Any, scores: pa.Table) -> None:
    """No recommendation uses a channel that the customer did not consent to, and none goes to who wants no contact."""
    given = parquet.read_table(shop.workspace / "data" / "shop" / "customers").to_pylist()
    wishes = {one["customer_id"]: one for one in given}
    contacted = [one for one in scores.to_pylist() if one["action_channel"]]
    assert contacted
    refusals = 0
    for one in contacted:
        wish = wishes[one["customer_id"]]
        assert wish[f"consent_{one['action_channel']}"] is True
        assert not wish["do_not_contact"]
        refusals += not all(wish[f"consent_{channel}"] for channel in ("email", "sms", "phone", "post"))
    assert refusals, "somebody refused another channel, so the test can fail"


def test_customer_in_bad_rows_only_is_invalid_not_lost(shop: Any, tmp_path: Path) -> None:
    """Someone whose every row was put aside is in the scores and in explain with that reason."""
    place = tmp_path / "data" / "shop"
    shutil.copytree(shop.workspace / "data" / "shop", place)
    orders = parquet.read_table(place / "orders")
    bad = orders.slice(0, 1).set_column(
        orders.column_names.index("customer_id"), "customer_id", pa.array(["Z-broken"])
    )
    bad = bad.set_column(
        orders.column_names.index("ordered_at"),
        orders.schema.field("ordered_at"),
        pa.array([None], orders.schema.field("ordered_at").type),
    )
    parquet.write_table(bad, place / "orders" / "part-99999.parquet")
    config = tmp_path / "shop.toml"
    config.write_text(shop.config.read_text().replace("workspace:", f"{tmp_path}/"))
    found = shop.well("score", "--config", config, "--out", tmp_path / "out")
    assert found["statuses"]["invalid"] == 1
    assert found["customers"] == len(parquet.read_table(place / "customers")) + 1
    last = parquet.read_table(tmp_path / "out" / "scores.parquet").to_pylist()[-1]
    assert (last["customer_id"], last["status"]) == ("Z-broken", "invalid")
    assert "ordered_at" in last["status_reason"]
    explained = shop.well("explain", "Z-broken", "--config", config)
    assert (explained["status"], explained["status_reason"]) == ("invalid", last["status_reason"])


def test_second_run_writes_the_same_bytes_and_publishes_once(shop: Any) -> None:
    """Scoring again leaves one folder with the same two files, byte for byte."""
    folder = shop.workspace / "shop" / "scores"
    before = in_folder(folder)
    assert sorted(before) == [f"{ENDING}/run.json", f"{ENDING}/scores.parquet"]
    shop.well("score")
    assert in_folder(folder) == before


def test_run_json_states_what_was_scored(shop: Any, scores: pa.Table) -> None:
    """The run's own manifest has counts, model, data fingerprints and the hash of the scores."""
    folder = shop.workspace / "shop" / "scores" / ENDING
    stated = json.loads((folder / "run.json").read_text())
    assert stated["files"] == {"scores.parquet": in_folder(folder)["scores.parquet"]}
    assert sum(stated["statuses"].values()) == stated["customers"] == scores.num_rows
    assert sum(stated["tiers"].values()) == stated["statuses"]["scored"] == sum(stated["actions"].values())
    assert {stated["run_id"]} == set(scores["run_id"].to_pylist())
    assert {stated["model_version"]} == set(scores["model_version"].to_pylist())
    assert stated["data"]["orders"]["rows_bad"] == 0


def test_run_has_another_id_when_anything_that_decides_it_changes(shop: Any, tmp_path: Path) -> None:
    """Another date, model, tier cut or playbook is another run; the same again is the same one."""
    text = shop.config.read_text()
    playbook = Path(shop.config).parents[1] / "playbook.toml"
    (tmp_path / "mine.toml").write_text(
        playbook.read_text().replace("unknown_consent = ", "unknown_consent  = ")
    )
    (tmp_path / "strict.toml").write_text(text + "\n[tiers]\nmedium = 0.3\n")
    (tmp_path / "own.toml").write_text(text + '\n[playbook]\npath = "mine.toml"\n')
    changed = playbook.read_text()
    (tmp_path / "other-playbook.toml").write_text(changed.replace("priority = 10\n", "priority = 11\n", 1))
    (tmp_path / "other.toml").write_text(text + '\n[playbook]\npath = "other-playbook.toml"\n')

    def run_id(*words: object) -> str:
        found: str = shop.well("score", "--out", tmp_path / "out", *words)["run_id"]
        return found

    ids = [
        run_id(),
        run_id("--as-of", "2024-12-01"),
        run_id("--model", "2"),
        run_id("--config", tmp_path / "strict.toml"),
        run_id("--config", tmp_path / "other.toml"),
    ]
    assert len(set(ids)) == len(ids)
    assert run_id() == ids[0]
    assert run_id("--config", tmp_path / "own.toml") == ids[0]


def test_order_and_cut_of_the_input_change_no_byte(
    shop: Any,
    tmp_path: Path,
    model_store: Path,
    in_a_process: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows shuffled, cut into files, on a machine with other threads: the same model, card, scores and exports."""
    rng = np.random.default_rng(1)
    shutil.copy(model_store, tmp_path / "mlflow.db")
    for table in sorted((shop.workspace / "data" / "shop").iterdir()):
        if table.name == "truth":
            continue
        rows = parquet.read_table(table)
        rows = rows.take(rng.permutation(len(rows)))
        into = tmp_path / "data" / "shop" / table.name
        into.mkdir(parents=True)
        cuts = [0, len(rows) // 5, len(rows) // 2, len(rows)]
        for number, (start, end) in enumerate(pairwise(cuts)):
            parquet.write_table(rows.slice(start, end - start), into / f"cut-{9 - number}.parquet")
    config = tmp_path / "shop.toml"
    config.write_text(shop.config.read_text().replace("workspace:", f"{tmp_path}/"))
    there = ("--config", config, "--workspace", tmp_path)
    trained = in_a_process("-m", "retain", *there, "train", "--until", "2024-09-01", threads=2)
    assert trained.returncode == 0, trained.stderr
    monkeypatch.setattr(checked, "_THREADS", 1)
    shop.well("score", *there)
    here = shop.workspace / "shop"
    assert in_folder(tmp_path / "shop" / "scores") == in_folder(here / "scores")
    cards = [shop.well("models", "show", "1", "--card", *words)["model_card"] for words in ((), there)]
    assert cards[0] == cards[1]
    for format_name in ("csv", "parquet"):
        shop.well("export", "--to", format_name)
        shop.well("export", "--to", format_name, *there)
        written = f"exports/{ENDING}-{format_name}"
        assert in_folder(tmp_path / "shop" / written) == in_folder(here / written)


def test_shuffled_csv_in_pieces_gives_the_same_bytes(own: Callable[..., Any], tmp_path: Path) -> None:
    """A CSV of orders, and the same lines shuffled into a folder of files, end in the same model and scores."""
    rng = np.random.default_rng(2)
    head, lines = "customer_id,ordered_at,amount,order_id", []
    for who in range(60):
        days = np.cumsum(rng.integers(5, 60, size=12 if who % 3 else 4))
        lines += [
            f"{who},{np.datetime64('2022-01-01') + int(day)},{rng.integers(1, 99)}.{who:02},o{who}-{day}"
            for day in days
        ]
    home = own("\n".join([head, *lines]) + "\n", settings="[training]\nlearners = ['logistic']")
    first = home.well("train"), home.well("score", "--out", tmp_path / "first")
    pieces = tmp_path / "pieces"
    pieces.mkdir()
    for number, piece in enumerate(np.array_split(rng.permutation(lines), 3)):
        (pieces / f"{number}.csv").write_text("\n".join([head, *piece]) + "\n")
    home.config.write_text(home.config.read_text().replace('"orders.csv"', '"pieces"'))
    second = home.well("train"), home.well("score", "--out", tmp_path / "second")
    assert second[0]["model_version"] == first[0]["model_version"]
    assert second[1]["run_id"] == first[1]["run_id"]
    assert in_folder(tmp_path / "second") == in_folder(tmp_path / "first")


def test_logged_model_gives_the_same_probabilities_in_a_fresh_process(
    shop: Any, scores: pa.Table, in_a_process: Callable[..., Any], tmp_path: Path
) -> None:
    """MLflow's own loader and `retain features` give, to the last bit, the probabilities of `retain score`."""
    shop.well("features", "--cutoff", ENDING, "--out", tmp_path / "panel.parquet")
    done = in_a_process(
        "-c",
        SERVED,
        f"sqlite:///{shop.workspace}/mlflow.db",
        tmp_path / "panel.parquet",
        tmp_path / "p.parquet",
    )
    assert done.returncode == 0, done.stderr
    served = parquet.read_table(tmp_path / "p.parquet").to_pylist()
    ours = {
        one["customer_id"]: one["churn_probability"]
        for one in scores.to_pylist()
        if one["status"] == "scored"
    }
    assert {one["customer_id"]: one["p"] for one in served if one["eligible"]} == ours


def test_run_killed_while_writing_leaves_the_earlier_scores_whole(
    shop: Any, in_a_process: Callable[..., Any], tmp_path: Path
) -> None:
    """After SIGKILL in the middle of writing the old folder is whole, and the next run clears up and succeeds."""
    out = tmp_path / "scores"
    words = [*shop.words, "score", "--as-of", "2024-12-01", "--out", str(out)]
    killed = in_a_process("-c", KILLED, *words)
    assert killed.returncode == -9, killed.stderr
    assert not out.exists()
    shop.well("score", "--as-of", "2024-12-01", "--out", out)
    assert [one.name for one in tmp_path.iterdir()] == ["scores"], "what the killed run left is gone"
    whole = in_folder(out)
    assert in_a_process("-c", KILLED, *words).returncode == -9
    assert in_folder(out) == whole
    shop.well("score", "--as-of", "2024-12-01", "--out", out)
    assert in_folder(tmp_path) == {f"scores/{name}": digest for name, digest in whole.items()}


@pytest.mark.parametrize("step", ["write_card", "_write_manifest"])
def test_run_that_fails_while_writing_leaves_nothing(
    shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A full disk in the middle of writing ends with 9, and neither the folder nor a part of it is there."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pipeline_score, step, full)
    ran = shop("score", "--out", tmp_path / "scores")
    assert ran.code == 9
    assert "No space left" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_second_score_replaces_the_first(shop: Any, tmp_path: Path) -> None:
    """Scoring another date into the same folder leaves that date's scores only."""
    shop.well("score", "--as-of", "2024-12-01", "--out", tmp_path / "scores")
    shop.well("score", "--as-of", "2024-11-01", "--out", tmp_path / "scores")
    found = parquet.read_table(tmp_path / "scores" / "scores.parquet")
    assert {str(one)[:10] for one in found["as_of"].to_pylist()} == {"2024-11-01"}
    assert [one.name for one in tmp_path.iterdir()] == ["scores"]


def test_folder_with_other_files_is_refused(shop: Any, tmp_path: Path) -> None:
    """A folder that holds anything else is left alone: 9, with the file's name."""
    (tmp_path / "thesis.doc").write_text("years of work")
    ran = shop("score", "--out", tmp_path)
    assert ran.code == 9
    assert "thesis.doc" in ran.err
    assert in_folder(tmp_path).keys() == {"thesis.doc"}
    ran = shop("export", "--to", "csv", "--out", tmp_path)
    assert ran.code == 9
    assert in_folder(tmp_path).keys() == {"thesis.doc"}


def test_scores_that_look_into_the_future_say_so(shop: Any, tmp_path: Path) -> None:
    """Scoring a date whose outcome the model knew succeeds with a note that it flatters."""
    found = shop.well("score", "--as-of", "2024-06-01", "--model", "2", "--out", tmp_path / "scores")
    assert any("better than any real forecast" in note for note in found["notes"])
    assert "Note: " in shop("score", "--as-of", "2024-06-01", "--out", tmp_path / "scores").out


@pytest.mark.parametrize("format_name", ["csv", "parquet"])
def test_export_holds_every_customer_and_proves_it(
    shop: Any, scores: pa.Table, tmp_path: Path, format_name: str
) -> None:
    """An export has the latest scores, its manifest verifies, and names each file with its hash."""
    found = shop.well("export", "--to", format_name, "--out", tmp_path / "out")
    verify(tmp_path / "out")
    assert found["rows"] == scores.num_rows
    name = f"scores.{format_name}"
    assert {one["name"]: one["sha256"] for one in found["files"]} == {name: in_folder(tmp_path / "out")[name]}
    back = (csv.read_csv if format_name == "csv" else parquet.read_table)(tmp_path / "out" / name)
    assert back["customer_id"].to_pylist() == scores["customer_id"].to_pylist()


def test_changed_scores_are_not_exported(shop: Any, tmp_path: Path) -> None:
    """Scores that do not have the hash that their run states are refused with 4, and nothing is written."""
    run = tmp_path / "run"
    shutil.copytree(shop.workspace / "shop" / "scores" / ENDING, run)
    table = parquet.read_table(run / "scores.parquet")
    parquet.write_table(table.slice(1), run / "scores.parquet")
    ran = shop("export", "--to", "csv", "--scores", run, "--out", tmp_path / "out")
    assert ran.code == 4
    assert "was changed" in ran.err
    assert not (tmp_path / "out").exists()
    (run / "run.json").unlink()
    ran = shop("export", "--to", "csv", "--scores", run, "--out", tmp_path / "out")
    assert ran.code == 4
    assert "no whole scoring run" in ran.err


def test_customer_id_that_a_spreadsheet_would_run_is_neutralised(shop: Any, tmp_path: Path) -> None:
    """An id that begins as a formula reaches the CSV with an apostrophe, and the Parquet as it is."""
    danger = '=HYPERLINK("http://x.example","see")'
    place = tmp_path / "data" / "shop"
    shutil.copytree(shop.workspace / "data" / "shop", place)
    rows = parquet.read_table(place / "customers")
    ids = rows["customer_id"].to_pylist()
    one = rows.slice(0, 1).set_column(
        rows.column_names.index("customer_id"), "customer_id", pa.array([danger])
    )
    parquet.write_table(one, place / "customers" / "part-99999.parquet")
    config = tmp_path / "shop.toml"
    config.write_text(shop.config.read_text().replace("workspace:", f"{tmp_path}/"))
    shop.well("score", "--config", config, "--out", tmp_path / "run")
    for format_name in ("csv", "parquet"):
        shop.well(
            "export", "--to", format_name, "--scores", tmp_path / "run", "--out", tmp_path / format_name
        )
    written = csv.read_csv(tmp_path / "csv" / "scores.csv")["customer_id"].to_pylist()
    assert sorted(written) == sorted([*ids, "'" + danger])
    kept = parquet.read_table(tmp_path / "parquet" / "scores.parquet")["customer_id"].to_pylist()
    assert sorted(kept) == sorted([*ids, danger])
