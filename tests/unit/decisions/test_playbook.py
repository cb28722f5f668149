from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retain.decisions.playbook import FALLBACK, NO_REASON, TOPICS, Action, load_playbook
from retain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """\
unknown_consent = "deny"

[channels]
email = "consent"
app = "open"

[[action]]
id = "guide"
what = "A guide."
priority = 1
tiers = ["high"]
topics = ["spend"]
channels = ["email"]
marketing = true
guards = ["Useful."]

[[action]]
id = "no_action"
what = "Nothing."
priority = 9
tiers = ["critical", "high", "medium", "low"]
channels = []
marketing = false
"""


def load(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    load_playbook(path)


def test_the_shipped_playbook_holds_the_whole_catalogue() -> None:
    """Twenty actions, each named once, tried in order of priority, the fallback last."""
    playbook = load_playbook()
    assert len({one.id for one in playbook.actions}) == len(playbook.actions) == 20
    priorities = [one.priority for one in playbook.actions]
    assert priorities == sorted(set(priorities))
    assert playbook.actions[-1].id == FALLBACK
    assert playbook["points_nudge"].channels == ("email", "app")


@pytest.mark.parametrize("action", load_playbook().actions, ids=lambda one: one.id)
def test_every_shipped_action_speaks_plainly(action: Action) -> None:
    """What it is and each guard is a sentence, and at least one guard tells the person what to mind."""
    assert action.guards
    for text in (action.what, *action.guards):
        assert text[0].isupper()
        assert text.endswith((".", "?"))


@pytest.mark.parametrize("tier", ["critical", "high", "medium"])
def test_every_tier_at_risk_gets_something_whatever_the_reason(tier: str) -> None:
    """For each reason, and for none, some action other than the fallback is there."""
    for topic in (*TOPICS, NO_REASON):
        fitting = [
            one
            for one in load_playbook().actions
            if tier in one.tiers and not one.only_if and (not one.topics or topic in one.topics)
        ]
        assert fitting[0].id != FALLBACK, topic


def test_only_promoters_are_asked_to_refer_and_only_at_low_risk() -> None:
    """A detractor never gets a referral reward."""
    referral = load_playbook()["referral_reward"]
    assert referral.tiers == ("low",)
    assert "promoter" in referral.only_if


def test_a_small_playbook_reads(tmp_path: Path) -> None:
    """The text that the refusals below are derived from is right itself."""
    load(tmp_path, SMALL)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('what = "A guide."', 'wat = "A guide."', r"action 'guide': unknown key 'wat'\. Did you mean 'what'\?"),
        ("[channels]", "colour = 1\n[channels]", r"mine\.toml: unknown key 'colour'\. Choose one of: action, channels"),
        ('what = "A guide."', "", "action 'guide': 'what' is missing"),
        ('what = "A guide."', 'what = " "', "action 'guide': what is ' '"),
        ('id = "guide"', "", "action number 1: 'id' is missing"),
        ('id = "guide"', 'id = "no_action"', "two actions are called 'no_action'"),
        ("priority = 1", "priority = 9", "'guide' and 'no_action' both have priority 9"),
        ("priority = 1", "priority = true", "priority is True"),
        ("priority = 1", "priority = 10", "the last action by priority has to be 'no_action'"),
        ('["high"]', '["hihg"]', r"unknown word 'hihg' in tiers\. Did you mean 'high'\?"),
        ('["high"]', '["high", "high"]', "tiers names something twice"),
        ('["high"]', "[]", "tiers is empty"),
        ('["high"]', '"high"', "tiers is 'high'. Write a list"),
        ('["spend"]', '["spending"]', r"unknown word 'spending' in topics\. Did you mean 'spend'\?"),
        ('["email"]', '["e-mail"]', r"unknown word 'e-mail' in channels\. Did you mean 'email'\?"),
        ('["email"]', "[]", "channels is empty"),
        ("marketing = true", "marketing = 1", "marketing is 1"),
        ('guards = ["Useful."]', 'only_if = ["promotor"]', r"unknown word 'promotor' in only_if\. Did you mean 'promoter'"),
        ('id = "no_action"', 'id = "nothing"', "channels is empty"),
        ('"medium", "low"]', '"medium"]', "the last action by priority has to be 'no_action'"),
        ("channels = []", 'channels = ["app"]', "the last action by priority has to be 'no_action'"),
        ('"deny"', '"maybe"', "unknown word 'maybe' in unknown_consent. Choose one of: allow, ask, deny"),
        ('app = "open"', 'app = "opn"', r"\[channels\]: unknown word 'opn' in app\. Did you mean 'open'\?"),
        ('[channels]\nemail = "consent"\napp = "open"', "channels = 1", "channels is no table"),
        ("unknown_consent", "= unknown_consent", r"mine\.toml is no TOML"),
    ],
)  # fmt: skip
def test_a_wrong_playbook_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """Whatever is off is a configuration error that says where, and offers the right word."""
    assert old in SMALL
    with pytest.raises(ConfigError, match=complaint):
        load(tmp_path, SMALL.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "action = 1", "action = [1]"])
def test_actions_that_are_no_blocks_are_refused(tmp_path: Path, text: str) -> None:
    """No action at all, or something else in their place."""
    with pytest.raises(ConfigError, match=r"is no list of blocks|has to be 'no_action'"):
        load(tmp_path, text + '\nunknown_consent = "deny"\n[channels]\n')


def test_a_missing_playbook_is_refused(tmp_path: Path) -> None:
    """The path is in the message, and no traceback of the reader's."""
    with pytest.raises(ConfigError, match=r"Cannot read the playbook .*none\.toml: No such file"):
        load_playbook(tmp_path / "none.toml")


def test_a_playbook_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    path = tmp_path / "latin.toml"
    path.write_bytes('what = "café"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="is no TOML"):
        load_playbook(path)
