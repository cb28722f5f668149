from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from retain.decisions.playbook import SIGNALS, TOPICS, Action, Playbook, load_playbook
from retain.decisions.rules import ContactRules, Flags, recommend
from retain.scoring.languages import LANGUAGES, language
from retain.scoring.tiers import TIERS

SHIPPED = load_playbook()


def flags(*values: int) -> Flags:
    return np.array(values, np.int8)


def one(
    tier: str | None, topics: str = "", contact: ContactRules | None = None, playbook: Playbook = SHIPPED
) -> tuple[object, object, object]:
    """What a single customer is recommended: action, channel, why."""
    got = recommend(playbook, [tier], [topics.split()], contact or ContactRules())
    return got.action_id[0], got.channel[0], got.why[0]


def consent(**channels: int) -> ContactRules:
    return ContactRules(consent={name: flags(value) for name, value in channels.items()})


EVERYTHING = consent(phone=1, sms=1, email=1, post=1)


@pytest.mark.parametrize("action", SHIPPED.actions, ids=lambda action: action.id)
def test_every_shipped_action_is_reached_by_somebody(action: Action) -> None:
    """Some tier, reason, set of signals and consents leads to it; none is shadowed by the rules before it."""
    contact = replace(EVERYTHING, signals={name: flags(1) for name in action.only_if})
    narrow = replace(
        contact, consent={name: flags(int(name in action.channels)) for name in SHIPPED.channels}
    )
    reached = {
        one(tier, topic, how)[0] for tier in TIERS for topic in ("", *TOPICS) for how in (contact, narrow)
    }
    assert action.id in reached


def test_the_first_rule_in_the_playbook_s_order_wins() -> None:
    """Not the strongest reason but the priority decides, and the sentence names tier and reason."""
    assert one("high", "breadth spend", EVERYTHING) == (
        "tier_benefit",
        "email",
        "High risk, a main reason: spending.",
    )


def test_among_one_rule_s_topics_the_strongest_reason_is_named() -> None:
    """The customer's own order of reasons counts."""
    assert "reason: times of ordering" in str(one("medium", "habits recency", EVERYTHING)[2])
    assert "reason: time since the last order" in str(one("medium", "recency habits", EVERYTHING)[2])


def test_low_risk_is_left_alone() -> None:
    """No rule fits, so nothing is done, and the sentence says that."""
    assert one("low", "recency", EVERYTHING) == ("no_action", None, "Low risk; no rule calls for anything.")


def test_risk_without_a_reason_is_asked_about() -> None:
    """A customer at risk for no known reason gets the survey."""
    action, _, why = one("critical", "", EVERYTHING)
    assert action == "ask_dislike_survey"
    assert why == "Critical risk without a known reason."


def test_a_customer_without_a_tier_gets_no_recommendation() -> None:
    """Nothing is made up for somebody who was not scored."""
    assert one(None) == (None, None, None)


def test_do_not_contact_ends_everything() -> None:
    """Not even service reaches such a customer."""
    contact = replace(EVERYTHING, do_not_contact=flags(1))
    assert one("critical", "support", contact) == (
        "no_action",
        None,
        "Critical risk; the customer must not be contacted.",
    )


def test_nothing_is_sold_while_a_complaint_is_open() -> None:
    """Marketing rests and the sentence says which action waits; service goes on."""
    contact = replace(EVERYTHING, open_complaint=flags(1))
    assert one("high", "spend", contact) == (
        "no_action",
        None,
        "High risk; tier_benefit has to wait while a complaint is open.",
    )
    assert one("high", "support", contact)[0] == "service_recovery_call"


@pytest.mark.parametrize("value", [0, -1])
def test_only_a_known_complaint_or_ban_counts(value: int) -> None:
    """Where it is not known, the customer is treated as everybody."""
    contact = replace(EVERYTHING, open_complaint=flags(value), do_not_contact=flags(value))
    assert one("high", "spend", contact)[0] == "tier_benefit"


def test_without_consent_the_next_rule_is_tried() -> None:
    """A refused channel stops the rule, and the one that stepped in says so."""
    assert one("critical", "support", consent(phone=0, email=1)) == (
        "fast_reply_escalation",
        "email",
        "Critical risk, a main reason: dealings with support; service_recovery_call is out because none of its channels is open to the customer.",
    )


def test_consent_that_nobody_records_is_allowed_and_said() -> None:
    """A company without consent columns still gets recommendations, each with the warning."""
    assert one("high", "spend") == (
        "tier_benefit",
        "email",
        "High risk, a main reason: spending; consent to email is not recorded.",
    )


@pytest.mark.parametrize(
    ("policy", "action", "ending"),
    [
        ("deny", "no_action", "none of its channels is open to the customer."),
        ("allow", "tier_benefit", "a main reason: spending."),
        ("ask", "tier_benefit", "ask for consent to email first."),
    ],
)
def test_an_unknown_answer_follows_the_playbook(policy: str, action: str, ending: str) -> None:
    """Where consent is recorded but this customer's is not known, the playbook's word decides."""
    got = one("high", "spend", consent(email=-1), replace(SHIPPED, unknown_consent=policy))
    assert got[0] == action
    assert str(got[2]).endswith(ending)


@pytest.mark.parametrize("spelling", ["sms", "SMS", "Sms ", "s-m-s"])
def test_the_preferred_channel_comes_first(spelling: str) -> None:
    """However it is spelt, if the action has it and it is open."""
    contact = replace(EVERYTHING, preferred_channel=[spelling])
    assert one("low", "support", contact)[1] == "sms"


@pytest.mark.parametrize("preferred", [None, "", "telegram", "post"])
def test_another_preference_changes_nothing(preferred: str | None) -> None:
    """A channel that the action or the playbook does not have leaves the action's own order."""
    contact = replace(EVERYTHING, preferred_channel=[preferred])
    assert one("low", "support", contact)[1] == "email"


def test_a_preferred_channel_without_consent_is_passed_over() -> None:
    """A wish for SMS is not consent to SMS."""
    contact = replace(consent(email=1, sms=0), preferred_channel=["sms"])
    assert one("low", "support", contact)[1] == "email"


def test_an_open_channel_needs_no_consent() -> None:
    """An app that the customer opens is used when the company has one."""
    with_app = replace(SHIPPED, channels={**SHIPPED.channels, "app": "open"})
    assert one("medium", "breadth", consent(email=0, post=0), with_app)[:2] == ("next_best_product", "app")
    assert one("medium", "breadth", consent(email=0, post=0))[0] == "no_action"


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_counts_only_when_it_is_known_to_hold(name: str) -> None:
    """No action that asks for a signal is taken on "no" or "not known"."""
    waiting = {action.id for action in SHIPPED.actions if name in action.only_if}
    for value, tier, topic in itertools.product((0, -1), TIERS, ("", *TOPICS)):
        assert one(tier, topic, replace(EVERYTHING, signals={name: flags(value)}))[0] not in waiting


def test_a_signal_is_named_in_the_sentence() -> None:
    """A promoter reads why."""
    contact = replace(EVERYTHING, signals={"promoter": flags(1)})
    assert one("low", "", contact) == (
        "referral_reward",
        "email",
        "Low risk; the customer would recommend us.",
    )


def test_each_customer_s_sentence_is_in_the_language_of_their_reasons() -> None:
    """Two customers alike but for the language are recommended the same, each in their own words."""
    spoken = [language("ru"), language("zh-Hant"), language("ru")]
    got = recommend(SHIPPED, ["high", "high", "low"], [["spend"], ["spend"], []], ContactRules(), spoken)
    assert got.action_id.tolist() == ["tier_benefit", "tier_benefit", "no_action"]
    assert got.why.tolist() == [
        "Высокий риск, одна из главных причин: сумма покупок; согласие на email не записано.",
        "流失風險高，主要原因之一：消費金額；沒有 email 的同意紀錄。",  # noqa: RUF001 -- its own punctuation
        "Низкий риск; ни одно правило ничего не требует.",
    ]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_word_that_a_sentence_may_need_is_there(code: str) -> None:
    """Of each language: tiers, signals, topics, and what stopped another action."""
    for name in SIGNALS:
        contact = replace(EVERYTHING, signals={name: flags(1)})
        for tier, topic in itertools.product(TIERS, ("", *TOPICS)):
            got = recommend(SHIPPED, [tier], [topic.split()], contact, [language(code)])
            assert got.why[0].endswith(language(code).action["end"])
            assert "{" not in got.why[0]
    stopped = ContactRules(do_not_contact=flags(1), open_complaint=flags(1))
    for contact in (stopped, replace(stopped, do_not_contact=None), consent(phone=0, email=-1)):
        asks = replace(SHIPPED, unknown_consent="ask")
        assert "{" not in recommend(asks, ["high"], [["spend"]], contact, [language(code)]).why[0]


def test_many_customers_are_answered_as_if_each_were_alone() -> None:
    """Working on all at once changes nothing for anybody."""
    random = np.random.default_rng(1)
    size = 300
    tiers = [str(tier) for tier in random.choice(TIERS, size)]
    topics = [random.choice(list(TOPICS), random.integers(0, 4), replace=False).tolist() for _ in range(size)]
    columns = {
        name: random.integers(-1, 2, size).astype(np.int8) for name in ("email", "phone", "sms", "post")
    }
    banned, open_complaint, high_value = random.integers(-1, 2, (3, size)).astype(np.int8)
    preferred = [[None, "phone", "E-mail"][at] for at in random.integers(0, 3, size)]
    got = recommend(
        SHIPPED,
        tiers,
        topics,
        ContactRules(columns, banned, open_complaint, preferred, {"high_value": high_value}),
    )
    for at in range(size):
        alone = ContactRules(
            {name: values[[at]] for name, values in columns.items()},
            banned[[at]],
            open_complaint[[at]],
            [preferred[at]],
            {"high_value": high_value[[at]]},
        )
        assert one(tiers[at], " ".join(topics[at]), alone) == (
            got.action_id[at],
            got.channel[at],
            got.why[at],
        )


def test_nobody_is_no_problem() -> None:
    """No customers, no recommendations."""
    assert len(recommend(SHIPPED, [], [], ContactRules()).action_id) == 0


@pytest.mark.parametrize(
    "contact",
    [
        consent(email=1),
        ContactRules(do_not_contact=flags(1)),
        ContactRules(open_complaint=flags(1, 0, 1)),
        ContactRules(preferred_channel=["sms"]),
        ContactRules(signals={"promoter": flags(1)}),
    ],
)
def test_arrays_of_another_length_are_refused(contact: ContactRules) -> None:
    """One customer's permission must not be spread over all."""
    with pytest.raises(ValueError, match="2 customers"):
        recommend(SHIPPED, ["high", "low"], [[], []], contact)


def test_words_that_do_not_exist_are_refused() -> None:
    """A caller's mistake with a tier, topic or signal is not passed over in silence."""
    with pytest.raises(ValueError, match="no such risk tier"):
        one("extreme")
    with pytest.raises(ValueError, match="no such topics: \\['weather'\\]"):
        one("low", "weather")
    with pytest.raises(ValueError, match="no such signals: \\['sad'\\]"):
        ContactRules(signals={"sad": flags(1)})
