from __future__ import annotations

import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from retain.errors import OutputError
from retain.reports import render, write
from retain.reports.content import (
    Action,
    Banner,
    Customer,
    Estimate,
    Headline,
    KeyFigure,
    Metric,
    Quality,
    ReportContent,
    TableAccount,
    Tier,
    Training,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&"
VOID = {"meta", "link", "img", "br"}


class Outline(HTMLParser):
    """Reads a page: its tags in order, its ids, links, headings; fails when a tag is closed that is not open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.headings: list[int] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag names and where it leads."""
        named = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value or "" for name, value in attrs if name == "href" and tag == "a"]
        self.loads += [named[name] or "" for name in ("src", "srcset", "data", "action") if name in named]
        self.loads += [named["href"] or "" for _ in [0] if tag == "link"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself, as drawings have them."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag opened last, or complain."""
        if tag not in VOID:
            assert self.open.pop() == tag


def bare(content: ReportContent) -> ReportContent:
    """The same page with everything optional taken away."""
    return ReportContent(
        **{
            one.name: getattr(content, one.name)
            for one in fields(content)
            if one.name
            in {"title", "dataset", "as_of", "version", "run_id", "model_version", "churn", "headline"}
        }
    )


def test_the_page_asks_nothing_of_anybody(content: ReportContent) -> None:
    """No script, no address, nothing to load, and a policy that forbids it all."""
    page = render(content)
    outline = Outline(page)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert "script" not in outline.tags
    assert outline.loads == ["data:,"]
    assert all(link.startswith("#") for link in outline.links)
    assert "://" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_the_page_is_sound(content: ReportContent) -> None:
    """Every tag is closed, no id is given twice, every link leads somewhere, no heading level is skipped."""
    outline = Outline(render(content))
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links} <= set(outline.ids)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(
        below - above <= 1 for above, below in zip(outline.headings, outline.headings[1:], strict=False)
    )


def test_the_same_content_gives_the_same_bytes(content: ReportContent) -> None:
    """Nothing on the page depends on when it was made."""
    assert render(content) == render(replace(content))


def test_plain_words_come_first(content: ReportContent) -> None:
    """The sentence for the shop's manager stands before every figure for scientists."""
    page = render(content)
    assert page.index("Of 2,659 active customers, 812 are at") < page.index("<main>") < page.index("AUROC")


def test_the_figures_are_on_the_page(content: ReportContent) -> None:
    """What goes in comes out, written for people."""
    page = render(content)
    for said in (
        "1,067,371",
        "34,159",
        "no customer_id",
        "£121,904",
        "0.770 to 0.804",
        "RFM logistic regression",
        "14911",
        "96.8%",
        "Come-back offer",
        "by e-mail",
        "0.0184",
        "not_eligible",
        "retain explain 14911",
        "not known",
        "A reason is what moved the probability",
        "score-2011-09-01-7c1e",
        "inactivity-90d/4",
    ):
        assert said in page, said
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).lower().replace(
        "finance", ""
    )


@pytest.mark.parametrize(
    ("anchor", "emptied"),
    [
        ("tiers", lambda full: replace(full, tiers=(), reasons=())),
        ("reasons", lambda full: replace(full, reasons=(), importance=())),
        ("actions", lambda full: replace(full, actions=())),
        ("customers", lambda full: replace(full, customers=())),
        ("base", lambda full: replace(full, key_figures=())),
        ("quality", lambda full: replace(full, quality=None)),
        ("data", lambda full: replace(full, tables=(), statuses=(), warnings=())),
        ("limits", lambda full: replace(full, caveats=())),
        ("next", lambda full: replace(full, next_steps=())),
    ],
)
def test_what_is_not_there_leaves_no_heading(
    content: ReportContent, anchor: str, emptied: Callable[[ReportContent], ReportContent]
) -> None:
    """An empty part takes its section and its line in the contents with it."""
    assert f'id="{anchor}"' in render(content)
    page = render(emptied(content))
    assert f'id="{anchor}"' not in page
    assert f'href="#{anchor}"' not in page
    assert Outline(page).open == []


def test_a_bare_page_still_stands(content: ReportContent) -> None:
    """With nothing but a headline the page is whole, and has one section."""
    outline = Outline(render(bare(content)))
    assert outline.open == []
    assert [link for link in outline.links if link not in {"#top", "#contents"}] == ["#model"]


def test_half_of_a_section_is_enough(content: ReportContent) -> None:
    """Reasons without importance, importance without reasons, tables without statuses: each stands alone."""
    assert "What moves the model" not in render(replace(content, importance=()))
    assert "Most common reasons" not in render(replace(content, reasons=()))
    assert "Every customer is accounted for" not in render(replace(content, statuses=()))
    alone = render(replace(content, tables=(TableAccount("orders", 3, 3),), warnings=(), statuses=()))
    assert "Why rows were set aside" not in alone
    assert 'id="data"' in alone


def test_quality_without_parts_or_money(content: ReportContent) -> None:
    """Too few customers for parts, or orders without amounts: headings go with what they head."""
    assert content.quality is not None
    page = render(content)
    assert "For whom is it good?" in page
    assert "Does it find the money?" in page
    assert "How it reads the strongest of them" in page
    assert "47% where it is not known, as of 12% of the customers." in page
    assert "below 0.001" in page
    bare_quality = replace(content.quality, segments=(), money=(), contenders=())
    page = render(replace(content, quality=bare_quality, dependence=()))
    for heading in ("For whom is it good?", "Does it find the money?", "Against others", "How it reads"):
        assert heading not in page


def test_nobody_scored(content: ReportContent) -> None:
    """A run without a single score says so and shows no share of nothing."""
    page = render(replace(bare(content), headline=Headline(0, 0), statuses=content.statuses))
    assert "No customer could be scored." in page
    assert 'class="key"' not in page
    assert "not_eligible" in page


def test_unknown_quality_is_told_not_hidden(content: ReportContent) -> None:
    """A model that could not be measured has a section that says what is not known."""
    nan = float("nan")
    page = render(
        replace(
            content,
            quality=Quality(
                "2011-06-03", 0, nan, metrics=(Metric("AUROC", Estimate(nan, nan, nan), "Nobody left."),)
            ),
            tiers=(Tier("high", 0, nan, nan, nan, nan),),
            reasons=(),
            training=Training((), (), "logistic", "none"),
        )
    )
    assert page.count("not known") >= 5
    assert "not known left" not in page
    assert Outline(page).open == []


def test_an_unknown_value_takes_no_room_at_the_top(content: ReportContent) -> None:
    """Without money there is no large figure for it, and the page names no intervals it does not have."""
    page = render(
        replace(
            bare(content),
            headline=Headline(10, 2),
            key_figures=(KeyFigure("Active customers", Estimate(5), "count"),),
        )
    )
    assert "<dt>value at risk</dt>" not in page
    assert "% intervals" not in page
    assert "The ranges are 90% intervals." in render(replace(content, confidence=0.9))


def test_a_model_from_one_cutoff(content: ReportContent) -> None:
    """One training cutoff is one date, not a range."""
    training = Training(("2010-09-06",), ("2011-03-05",), "logistic", "none")
    page = render(replace(content, training=training)).replace("\N{NO-BREAK SPACE}", " ")
    assert "<dd>1 cutoff, 6 September 2010</dd>" in page


def test_banners_stand_before_the_headline(content: ReportContent) -> None:
    """Whoever must not act on the figures learns it before reading them."""
    page = render(replace(content, banners=(Banner("There is no champion.", grave=True),)))
    assert page.index("Do not act on this yet.") < page.index("Of 2,659 active customers")


def test_hostile_words_are_only_words(content: ReportContent) -> None:
    """Markup in a customer's id, a reason or a title is shown letter by letter."""
    page = render(
        replace(
            content,
            title=HOSTILE,
            dataset=HOSTILE,
            currency=HOSTILE,
            warnings=(HOSTILE,),
            customers=(Customer(HOSTILE, HOSTILE, 0.5, 1.0, (HOSTILE,), HOSTILE, HOSTILE),),
            actions=(Action(HOSTILE, HOSTILE, 1, ((HOSTILE, 1),), 1.0),),
            tiers=(Tier(HOSTILE, 5, 0.5, 2.5, 1.0, 0.1),),
            reasons=(),
            tables=(TableAccount(HOSTILE, 2, 1, ((HOSTILE, 1),), HOSTILE, HOSTILE),),
        )
    )
    outline = Outline(page)
    assert not {"script", "img"} & set(outline.tags)
    assert outline.open == []
    assert "&lt;script&gt;" in page


def test_a_customer_without_reason_or_action(content: ReportContent) -> None:
    """A dash stands where there is nothing to say, and no empty list."""
    page = render(replace(content, customers=(Customer("c1", "no such tier", 0.5),)))
    assert "<ol></ol>" not in page
    assert 'class="act">\N{EN DASH}<' in page
    assert "Show the other" not in page


def test_the_list_is_folded_after_the_first_ten(content: ReportContent) -> None:
    """Ten customers are in sight, the others one touch away, none is lost."""
    page = render(content)
    assert "Show the other 40" in page
    assert page.count('class="who"') == 50


def test_the_page_stays_small(content: ReportContent) -> None:
    """A usual page is under 300 kB, one with 200 wordy customers under 3 MB."""
    assert len(render(content).encode()) < 300_000
    wordy = tuple(Customer(f"c{i}", "high", 0.5, 1.0, ("x" * 500,) * 3, "call", "phone") for i in range(200))
    assert len(render(replace(content, customers=wordy)).encode()) < 3_000_000


def test_write_makes_the_folder_and_leaves_one_file(content: ReportContent, tmp_path: Path) -> None:
    """The path comes back, with the page in it and nothing beside it; a second time replaces the first."""
    path = tmp_path / "new" / "report.html"
    for _ in range(2):
        assert write(content, path) == path
    assert path.read_text(encoding="utf-8") == render(content)
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(content: ReportContent, tmp_path: Path) -> None:
    """A folder in the way is a user's mistake, and leaves nothing half-written behind."""
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"report\.html"):
        write(content, tmp_path / "report.html")
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Cannot write"):
        write(content, tmp_path / "file" / "report.html")
