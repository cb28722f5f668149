from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from retain.errors import OutputError, UsageError
from retain.events.schemas import SCHEMAS, Kind
from retain.examples.shop import ShopManifest, best_possible, world, write
from retain.timeline import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    Ask = Callable[[str], list[tuple[Any, ...]]]

TYPES = {
    Kind.KEY: "string",
    Kind.TEXT: "string",
    Kind.TIME: "timestamp[us, tz=UTC]",
    Kind.DATE: "date32[day]",
    Kind.MONEY: "decimal128(18, 2)",
    Kind.NUMBER: "double",
    Kind.FLAG: "bool",
}
CONFIG = Path(__file__).parents[3] / "configs" / "sources" / "shop.toml"


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a folder by its path."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_shop(tmp_path: Path) -> None:
    """Two runs agree byte by byte; changing the seed changes every table."""
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        write(tmp_path / name, customers=300, seed=seed)
    one, two, three = (contents(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert one.keys() == three.keys()
    assert [name for name in one if one[name] == three[name]] == []


def test_a_larger_shop_begins_with_the_same_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many customers are asked for changes nothing about those in full blocks."""
    monkeypatch.setattr(world, "BLOCK", 200)
    write(tmp_path / "small", customers=400)
    large = write(tmp_path / "large", customers=500)
    small, all_parts = contents(tmp_path / "small"), contents(tmp_path / "large")
    assert {name: all_parts[name] for name in small} == small
    assert len(all_parts) == len(small) + len(large.counts)
    ids = pq.read_table(large.paths["customers"])["customer_id"].to_pylist()
    assert ids == [f"C{number:07d}" for number in range(1, 501)]


def test_the_manifest_says_what_was_written(shop: ShopManifest) -> None:
    """Counts are those of the files, and every table of the contract is there."""
    assert set(shop.counts) == set(SCHEMAS) | {"truth/churn", "truth/effects"}
    for name, path in shop.paths.items():
        assert pq.read_table(path).num_rows == shop.counts[name] > 0
    assert (shop.start, shop.end, shop.cutoff) == tuple(
        map(instant, ("2023-01-01", "2025-01-01", "2024-10-01"))
    )
    assert shop.best_auroc == best_possible(shop.out, "2024-10-01")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_table_fits_the_contract(shop: ShopManifest, name: str) -> None:
    """Columns and their types, required values, allowed values, minima and identities are those of the schema."""
    schema = SCHEMAS[name]
    table: pa.Table = pq.read_table(shop.paths[name])
    assert set(table.column_names) <= set(schema.by_name)
    missing = set(schema.by_name) - set(table.column_names)
    # Nothing is labelled, and subscriptions have no term: they may be ended any day.
    assert missing == {"customers": {"label", "label_at"}, "contracts": {"term_months"}}.get(name, set())
    for column in table.column_names:
        field, values = schema[column], table[column]
        assert str(values.type) == TYPES[field.kind], column
        assert values.null_count < len(values), column
        if field.required:
            assert values.null_count == 0, column
        if field.allowed:
            assert set(pc.unique(values.drop_null()).to_pylist()) <= set(field.allowed), column
        if field.minimum is not None:
            assert pc.min(values).as_py() >= field.minimum, column
        if field.unique:
            assert pc.count_distinct(values).as_py() == len(values), column
    if schema.identity:
        rows = table.select(list(schema.identity))
        assert rows.group_by(list(schema.identity)).aggregate([]).num_rows == rows.num_rows


@pytest.mark.parametrize(
    ("table", "earlier", "later"),
    [
        ("orders", "ordered_at", "promised_at"),
        ("orders", "ordered_at", "delivered_at"),
        ("orders", "ordered_at", "payment_failed_at"),
        ("orders", "ordered_at", "recorded_at"),
        ("feedback", "given_at", "recorded_at"),
        ("feedback", "recorded_at", "answered_at"),
        ("tickets", "opened_at", "recorded_at"),
        ("tickets", "opened_at", "first_response_at"),
        ("tickets", "first_response_at", "resolved_at"),
        ("tickets", "resolved_at", "closed_at"),
        ("messages", "sent_at", "delivered_at"),
        ("messages", "delivered_at", "opened_at"),
        ("messages", "opened_at", "clicked_at"),
        ("messages", "opened_at", "unsubscribed_at"),
        ("messages", "delivered_at", "spam_at"),
        ("messages", "sent_at", "bounced_at"),
        ("contracts", "started_at", "ended_at"),
        ("contracts", "started_at", "recorded_at"),
        ("treatments", "assigned_at", "contacted_at"),
        ("treatments", "contacted_at", "outcome_at"),
    ],
)
def test_what_follows_comes_later(ask: Ask, table: str, earlier: str, later: str) -> None:
    """No row knows the consequence before the cause, and some rows know both."""
    [(wrong, right)] = ask(
        f"select count(*) filter ({later} < {earlier}), count(*) filter ({later} >= {earlier}) from {table}"
    )
    assert wrong == 0
    assert right > 0


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "customers"])
def test_nothing_happens_before_joining_or_after_the_end(ask: Ask, name: str) -> None:
    """Every row is of a known customer, from joining on; what is not known by the end is not there."""
    schema = SCHEMAS[name]
    times = [field.name for field in schema.fields if field.kind is Kind.TIME and field.name != "promised_at"]
    latest = ", ".join(times)
    [(unknown, early, late)] = ask(
        f"select count(*) filter (joined_at is null), count(*) filter ({schema.time} < joined_at), "
        f"count(*) filter (greatest({latest}) >= timestamptz '2025-01-01') "
        f"from {name} left join customers using (customer_id)"
    )
    assert (unknown, early, late) == (0, 0, 0)


def test_what_the_last_day_does_not_know_is_null(ask: Ask) -> None:
    """Parcels under way and open tickets have no end yet."""
    [(parcels,)] = ask(
        "select count(*) from orders where promised_at is not null and delivered_at is null "
        "and kind = 'sale' and ordered_at > timestamptz '2024-12-20'"
    )
    [(tickets,)] = ask(
        "select count(*) from tickets where resolved_at is null and opened_at > timestamptz '2024-12-10'"
    )
    assert min(parcels, tickets) > 0


def test_returns_are_negative_and_come_after_their_sale(ask: Ask) -> None:
    """A return repeats the line that it takes back, with the sign turned, under an order of its own."""
    [(returns, unmatched)] = ask(
        "select count(*), count(*) filter (sale.order_id is null or sale.ordered_at > back.ordered_at "
        "or sale.amount <> -back.amount) "
        "from orders back left join orders sale on sale.order_id = replace(back.order_id, 'R', 'O') "
        "and sale.line_id = back.line_id where back.kind = 'return'"
    )
    assert returns > 1000
    assert unmatched == 0
    assert ask("select count(*) from orders where (amount > 0) <> (kind = 'sale')") == [(0,)]


def test_orders_are_lines_of_one_customer_and_time(ask: Ask) -> None:
    """All lines of an order agree on who, when and how, and many orders have several."""
    [(mixed, several)] = ask(
        "select count(*) filter (who > 1 or times > 1 or ways > 1), count(*) filter (lines > 1) from ("
        "select count(distinct customer_id) who, count(distinct ordered_at) times, "
        "count(distinct channel) ways, count(*) lines from orders group by order_id)"
    )
    assert mixed == 0
    assert several > 10_000


def test_the_season_shows(ask: Ask) -> None:
    """December sells more than the months around it, July and August less than June."""
    sold: dict[int, int] = dict(
        ask("select month(ordered_at), count(*) from orders where year(ordered_at) = 2023 group by 1")
    )
    assert sold[12] > sold[11] > sold[10]
    assert sold[7] + sold[8] < 1.9 * sold[6]


def test_some_feedback_is_recorded_days_later(ask: Ask) -> None:
    """A known share is entered at least a day after it was given."""
    [(share,)] = ask("select avg((recorded_at - given_at >= interval 1 day)::int) from feedback")
    assert 0.1 < share < 0.2


def test_ticket_histories_agree_with_the_tickets(ask: Ask) -> None:
    """A history begins with the opening and ends the way the ticket did; some breach and some are opened again."""
    [(wrong, breached, again)] = ask(
        "select count(*) filter (first_state <> 'open' or begun <> opened_at or done is distinct from resolved_at), "
        "count(*) filter (breached), count(*) filter (again) from tickets left join ("
        "select ticket_id, arg_min(state, happened_at) first_state, min(happened_at) begun, "
        "max(happened_at) filter (state = 'resolved') done, bool_or(breached_sla) breached, "
        "bool_or(reopened) again from ticket_events group by 1) using (ticket_id) "
        "where resolved_at is not null"
    )
    assert wrong == 0
    assert min(breached, again) > 500


def test_nobody_is_mailed_after_unsubscribing_or_without_consent(ask: Ask) -> None:
    """A newsletter goes only to who allows it and has not left."""
    assert ask(
        "select count(*) from messages join (select customer_id, min(coalesce(unsubscribed_at, spam_at)) gone "
        "from messages where coalesce(unsubscribed_at, spam_at) < sent_at + interval 1 day group by 1) using "
        "(customer_id) where channel = 'e-mail' and sent_at > gone"
    ) == [(0,)]
    assert ask(
        "select count(*) from messages join customers using (customer_id) where do_not_contact "
        "or (channel = 'e-mail' and not consent_email) or (channel = 'SMS' and not consent_sms)"
    ) == [(0,)]


@pytest.mark.parametrize(
    ("language", "typical"),
    [
        ("en", "[a-z]"),
        ("zh-Hant", "[\u4e00-\u9fff]"),
        ("ru", "[\u0430-\u044fё]"),
        ("kk", "[\u0400-\u04ff]"),
        ("bg", "[\u0430-\u044f]"),
        ("uk", "[\u0430-\u0449\u0456ьюяєїґ]"),
    ],
)
def test_every_language_is_written_in_its_script(ask: Ask, language: str, typical: str) -> None:
    """Customers write in their language, apart from a few words that some mix in."""
    rows = ask(
        "select regexp_replace(lower(text), '[^\\p{L}]', '', 'g') letters, "
        f"length(letters), length(regexp_replace(letters, '{typical}', '', 'g')) from feedback "
        f"where language = '{language}' and text is not null"
    )
    lengths = [(whole, rest) for _, whole, rest in rows]
    assert len(lengths) > 1000
    assert sum(rest for _, rest in lengths) < 0.05 * sum(whole for whole, _ in lengths)
    assert sum(rest == 0 for _, rest in lengths) > 0.8 * len(lengths)


@pytest.mark.parametrize(
    ("language", "own"),
    [("kk", "[әғқңөұү]"), ("uk", "[єії]"), ("ru", "[ыэё]"), ("bg", "[ъщ]"), ("zh-Hant", "[們麼這個還來]")],
)
def test_related_languages_keep_their_own_letters(ask: Ask, language: str, own: str) -> None:
    """Letters that tell a language from its neighbours are in most of its longer texts."""
    [(share,)] = ask(
        f"select avg(regexp_matches(lower(text), '{own}')::int) from tickets join customers using (customer_id) "
        f"where language = '{language}'"
    )
    assert share > 0.6


def test_the_true_probability_is_calibrated(ask: Ask) -> None:
    """In every tenth of the true probability, as many stay away as it says, within chance."""
    rows = ask(
        "select ntile, sum(churned::int), sum(churn_probability), sum(churn_probability * (1 - churn_probability)) "
        "from (select *, ntile(10) over (order by churn_probability) ntile from truth_churn "
        "where cutoff = timestamptz '2024-05-01') group by 1"
    )
    for _, observed, expected, variance in rows:
        assert abs(observed - expected) < 4 * math.sqrt(variance)


@pytest.mark.parametrize("who", ["active", "not active"])
def test_observed_over_expected_is_near_one_at_every_cutoff(ask: Ask, who: str) -> None:
    """Calibration holds at each cutoff, for active and inactive customers, campaigns within the window or not."""
    rows = ask(
        "select cutoff::date::text, sum(churned::int) / sum(churn_probability), "
        "sqrt(sum(churn_probability * (1 - churn_probability))) / sum(churn_probability) "
        f"from truth_churn where {who} group by 1"
    )
    assert len(rows) == len(world.CUTOFFS) == 16
    for cutoff, ratio, error in rows:
        assert abs(ratio - 1) < 4 * error, cutoff


def test_activity_and_outcome_agree_with_the_orders(ask: Ask) -> None:
    """Active: a known sale within 180 days. Churned: no sale in the 90 days from the cutoff on."""
    [(wrong, rows)] = ask(
        "select count(*) filter (active <> coalesce(was, false) or churned = coalesce(came, false)), count(*) "
        "from truth_churn left join (select customer_id, "
        "bool_or(ordered_at < c and recorded_at < c and ordered_at >= c - interval 180 day) was, "
        "bool_or(ordered_at >= c and ordered_at < c + interval 90 day) came "
        "from orders, (select timestamptz '2024-09-01' c) where kind = 'sale' group by 1) using (customer_id) "
        "where cutoff = timestamptz '2024-09-01'"
    )
    assert wrong == 0
    assert rows > 8000


def test_even_who_knows_everything_is_often_wrong(shop: ShopManifest, ask: Ask) -> None:
    """The best possible AUROC is far from 1, and between a third and a half of the active stay away."""
    assert 0.85 < best_possible(shop.out, "2024-09-01") < 0.90
    [(rate,)] = ask(
        "select avg(churned::int) from truth_churn where active and cutoff = timestamptz '2024-09-01'"
    )
    assert 0.3 < rate < 0.5


def test_the_base_rate_drifts(ask: Ask) -> None:
    """The same month of two years has different churn rates."""
    rates: dict[str, float] = dict(
        ask("select cutoff::date::text, avg(churned::int) from truth_churn where active group by 1")
    )
    assert rates["2024-08-01"] > rates["2023-08-01"] + 0.01


@pytest.mark.parametrize(
    "signal",
    [
        (
            "select customer_id, -avg(coalesce(rating, csat, 1 + nps * 0.4)) hint from feedback "
            "where recorded_at < timestamptz '2024-09-01' and given_at >= timestamptz '2024-03-01' group by 1"
        ),
        (
            "select customer_id, -count(opened_at) hint from messages "
            "where sent_at < timestamptz '2024-08-20' and sent_at >= timestamptz '2024-05-01' "
            "and channel = 'e-mail' group by 1"
        ),
        (
            "select customer_id, count(*) filter (breached_sla or reopened) hint from ticket_events "
            "where happened_at < timestamptz '2024-09-01' and happened_at >= timestamptz '2024-03-01' group by 1"
        ),
    ],
    ids=["feedback", "messages", "tickets"],
)
def test_what_customers_do_beside_buying_tells_of_churn(ask: Ask, signal: str) -> None:
    """Bad answers, unopened mail and tickets gone wrong go with a higher true probability at like recency."""
    [(slope,)] = ask(
        "select regr_slope(churn_probability, hint) from (select churn_probability - avg(churn_probability) over "
        "(partition by least(orders, 12)) churn_probability, hint from truth_churn join "
        "(select customer_id, count(distinct order_id) orders from orders where kind = 'sale' and ordered_at "
        "between timestamptz '2024-03-01' and timestamptz '2024-09-01' group by 1) using (customer_id) "
        f"join ({signal}) using (customer_id) where active and cutoff = timestamptz '2024-09-01')"
    )
    assert slope > 0


def test_effects_differ_and_some_are_negative(ask: Ask) -> None:
    """Points annoy nobody; a call drives some away; every effect is a reduction relative to no action."""
    rows = ask(
        "select action_id, min(effect), max(effect), avg((effect < 0)::int), "
        "max(abs(1 - churn_probability_treated / churn_probability - effect)), "
        "count(*) filter (sign(effect) <> sign(log_intensity)) from truth_effects group by 1 order by 1"
    )
    assert [row[0] for row in rows] == [one.name for one in world.ACTIONS]
    low = {str(name): least for name, least, *_ in rows}
    negative = {str(name): share for name, _, _, share, _, _ in rows}
    assert low["points_nudge"] == 0
    assert 0.2 < negative["service_recovery_call"] < 0.5
    assert all(most > 0.3 and wrong == 0 and turned == 0 for _, _, most, _, wrong, turned in rows)


def test_effects_start_from_the_truth_at_the_last_cutoff(ask: Ask) -> None:
    """Untreated, the effects table and the churn table say the same."""
    [(different, rows)] = ask(
        "select count(*) filter (e.churn_probability <> c.churn_probability or c.cutoff is null), count(*) "
        "from truth_effects e left join truth_churn c using (customer_id, cutoff)"
    )
    assert different == 0
    assert rows > 0


def test_the_share_of_the_treated_is_the_propensity(ask: Ask) -> None:
    """Within each propensity, that share was treated; who was held out cost nothing and was not contacted."""
    rows = ask("select propensity, avg((arm = 'treated')::int), count(*) from treatments group by 1")
    assert {row[0] for row in rows} == set(world.PROPENSITY)
    for propensity, share, count in rows:
        p = propensity
        assert abs(share - p) < 4 * math.sqrt(p * (1 - p) / count)
    assert ask(
        "select count(*) from treatments where (arm = 'treated') <> (contacted_at is not null) "
        "or (arm = 'control') <> (cost = 0)"
    ) == [(0,)]


def test_earlier_campaigns_brought_purchases(ask: Ask) -> None:
    """Weighted by propensity, the treated bought more often than those held out."""
    [(lift,)] = ask(
        "select sum(bought * (arm = 'treated')::int / propensity) / sum((arm = 'treated')::int / propensity) "
        "- sum(bought * (arm = 'control')::int / (1 - propensity)) / sum((arm = 'control')::int / (1 - propensity)) "
        "from (select *, (outcome = 'purchase')::int bought from treatments)"
    )
    assert 0.02 < lift < 0.15


def test_a_full_folder_stays_as_it_is(tmp_path: Path) -> None:
    """A folder with something in it is refused with advice; an empty one is used."""
    (tmp_path / "kept.txt").write_text("kept")
    with pytest.raises(OutputError, match="Remove it, or name another"):
        write(tmp_path, customers=10)
    assert contents(tmp_path) == {"kept.txt": b"kept"}
    (tmp_path / "empty").mkdir()
    assert write(tmp_path / "empty", customers=10).counts["customers"] == 10


def test_a_run_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk ends in advice and neither half a shop nor its remains."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write(tmp_path / "shop", customers=10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("customers", "seed"), [(0, 7), (10_000_000, 7), (10, -1)])
def test_impossible_shops_are_refused(tmp_path: Path, customers: int, seed: int) -> None:
    """No customers, too many for their ids, or a negative seed are the caller's mistake."""
    with pytest.raises(UsageError, match=r"Ask for|Use 0"):
        write(tmp_path / "shop", customers=customers, seed=seed)
    assert list(tmp_path.iterdir()) == []


def test_the_truth_is_known_at_its_cutoffs_only(shop: ShopManifest) -> None:
    """Another date is refused with the list of those that are known."""
    with pytest.raises(UsageError, match="2023-07-01, 2023-08-01"):
        best_possible(shop.out, "2024-09-02")


def test_the_smallest_shop_has_no_best_auroc(tmp_path: Path) -> None:
    """One customer cannot be ranked; the tables are all there nonetheless."""
    manifest = write(tmp_path / "shop", customers=1)
    assert math.isnan(manifest.best_auroc)
    assert manifest.counts["customers"] == 1
    assert all(any(path.glob("*.parquet")) for path in manifest.paths.values())


def test_the_source_config_names_every_table() -> None:
    """The shipped config reads each table of the contract from the workspace, and never the truth."""
    config = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    tables = config["source"]["tables"]
    assert {name: one["path"] for name, one in tables.items()} == {
        name: f"workspace:data/shop/{name}/*.parquet" for name in SCHEMAS
    }
    assert config["churn"]["active_days"] == world.ACTIVE_DAYS
    assert config["churn"]["horizon_days"] == world.WINDOW.horizon_days
