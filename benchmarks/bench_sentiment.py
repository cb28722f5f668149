"""How well and how fast texts are read, by language and tier, beside other lexicons that install as a package.

Reads the labelled texts of `../shared/data/sentiment` where they lie beside the repository; no weight trained on them is kept. Chinese is turned into
Traditional characters first. "Learned" and "self-trained" learn from 2,000 texts of the training file, drawn five times, and are measured on
the test file; where there is one file, on its other texts; never on more than 4,000. Speed is texts of 100 characters a CPU second on one core, medians of turns.
Run with `OMP_NUM_THREADS=1 python benchmarks/bench_sentiment.py`; peers that are not installed are left out and named.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, roc_auc_score

from retain.text.fold import fold
from retain.text.hashing import hashed, joined
from retain.text.learned import score
from retain.text.learning import learn, self_train
from retain.text.reading import BATCH, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "sentiment"
TAUGHT_BY, DRAWS, TURNS = 2_000, 5, 5
SPEED_TEXTS, MEASURED = 5_000, 4_000
FILES = {
    "zh-Hant": ("zh_waimai_10k", "zh_waimai_10k"),
    "ru": ("ru_sentirueval16_banks_test", "ru_sentirueval16_banks_test"),
    "kk": ("kk_kazsandra_pc_train_rus", "kk_kazsandra_pc_test"),
    "bg": ("bg_train", "bg_dev"),
    "en (film fragments)": ("en_train", "en_dev"),
    "es": ("es_train", "es_dev"),
    "tr": ("tr_train", "tr_dev"),
    "de": ("de_train", "de_dev"),
}


@dataclass(frozen=True)
class Texts:
    """Labelled texts of one language; 1 is positive."""

    language: str
    text: list[str]
    label: FloatArray

    def rows(self, which: npt.NDArray[np.int64]) -> Texts:
        """These alone."""
        return Texts(self.language, [self.text[one] for one in which.tolist()], self.label[which])


def texts_of(language: str, name: str) -> Texts:
    """One file; neutral texts are left out."""
    table = pd.read_parquet(DATA / f"{name}.parquet")
    table = table[table["label"] != 0] if -1 in set(table["label"]) else table
    written = table["review" if "review" in table else "text"].astype(str).tolist()
    code = language[:2]
    return Texts(
        code, traditional(written) if language == "zh-Hant" else written, (table["label"] > 0).to_numpy(float)
    )


def few_of(texts: Texts) -> Texts:
    """No more texts than the slowest peer can read while one waits."""
    order = np.random.default_rng(99).permutation(len(texts.label))
    return texts.rows(np.sort(order[:MEASURED]))


def traditional(texts: list[str]) -> list[str]:
    """Simplified characters as Traditional ones, the first form that our table has."""
    table: dict[str, str] = {}
    for line in files("retain.text").joinpath("words/traditional.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            old, new = line.split()
            table.setdefault(new, old)
    return ["".join(table.get(one, one) for one in text) for text in texts]


def quality(label: FloatArray, said: FloatArray) -> str:
    """AUROC and macro-F1 of a sentiment above 0; a text without sentiment counts as 0."""
    told = np.nan_to_num(said)
    return f"{roc_auc_score(label, told):.3f} / {f1_score(label, told > 0, average='macro'):.2f}"


def rate(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> int:
    """Texts a CPU second; the first call, which loads lists, does not count."""
    work(texts[:200])
    took = []
    for _ in range(TURNS):
        begun = time.process_time()
        for at in range(0, len(texts), BATCH):
            work(texts[at : at + BATCH])
        took.append(time.process_time() - begun)
    return round(len(texts) / statistics.median(took), -2)


def hundred(texts: Texts) -> list[str]:
    """Texts of just 100 characters, cut from all texts written one after another."""
    whole = ("。" if texts.language == "zh" else ". ").join(texts.text)
    return [whole[at : at + 100] for at in range(0, min(len(whole) - 100, 100 * SPEED_TEXTS), 100)]


def main() -> None:
    """Print one table of quality and one of speed."""
    if not DATA.is_dir():
        sys.exit(f"{DATA} is absent, so there is nothing to measure.")
    print("AUROC / macro-F1\n")
    print("| language | texts | lexicon | self-trained | learned | other lexicons |")
    print("|---|---|---|---|---|---|")
    speeds = []
    for language, (train_name, test_name) in FILES.items():
        train, test = texts_of(language, train_name), few_of(texts_of(language, test_name))
        cells = [language, f"{len(test.label):,}", quality(test.label, read(test.text).sentiment)]
        cells += taught(train, test, same=train_name == test_name)
        cells.append(
            ", ".join(f"{name} {quality(test.label, tell(test.text))}" for name, tell in peers(test.language))
            or "none installed"
        )
        print(f"| {' | '.join(cells)} |", flush=True)
        speeds.append((language, *speed(train, test)))
    print(
        "\nTexts of 100 characters a CPU second\n\n| language | lexicon | learned, lexicon included | other lexicons |\n|---|---|---|---|"
    )
    for language, lexicon, learned, others in speeds:
        print(f"| {language} | {lexicon:,} | {learned:,} | {others} |")


def taught(train: Texts, test: Texts, *, same: bool) -> list[str]:
    """Both tiers that learn: the mean over draws."""
    found: dict[str, list[tuple[float, float]]] = {"self": [], "learned": []}
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(train.label))
        few = train.rows(order[: min(TAUGHT_BY, len(order) // 2 if same else len(order))])
        measured = few_of(train.rows(order[len(few.label) :])) if same else test
        texts = hashed_texts(few.text)
        by_words, language = read(few.text).sentiment, [few.language] * len(few.text)
        lessons = {
            "self": self_train(texts, by_words, language),
            "learned": learn(texts, by_words, language, few.label),
        }
        for name, lesson in lessons.items():
            if lesson is not None:
                told = score(
                    lesson.model,
                    hashed_texts(measured.text),
                    read(measured.text).sentiment,
                    [few.language] * len(measured.text),
                )
                sure = np.nan_to_num(told, nan=0.5)
                found[name].append(
                    (
                        roc_auc_score(measured.label, sure),
                        f1_score(measured.label, sure > 0.5, average="macro"),
                    )
                )
    return [" / ".join([f"{np.mean([a for a, _ in one]):.3f}", f"{np.mean([f for _, f in one]):.2f}"]) if one else "too few texts" for one in found.values()]  # fmt: skip


def hashed_texts(texts: Sequence[str]) -> object:
    """As the tiers hash them."""
    return joined([hashed(fold(texts[at : at + BATCH])) for at in range(0, len(texts), BATCH)])


def speed(train: Texts, test: Texts) -> tuple[int, int, str]:
    """Of the lexicon, of the learned tier with it, and of the others."""
    few = train.rows(np.random.default_rng(0).permutation(len(train.label))[:TAUGHT_BY])
    lesson = learn(
        hashed_texts(few.text), read(few.text).sentiment, [few.language] * len(few.text), few.label
    )
    texts = hundred(test)
    if lesson is None:
        raise SystemExit(f"{train.language}: nothing learned from {len(few.label)} texts")

    def by_model(some: Sequence[str]) -> object:
        return score(lesson.model, hashed_texts(some), read(some).sentiment, [train.language] * len(some))

    others = ", ".join(f"{name} {rate(tell, texts[:500]):,}" for name, tell in peers(train.language))
    return rate(read, texts), rate(by_model, texts), others or "none installed"


def vader() -> Callable[[str], float]:
    """VADER's compound score (English)."""
    judge = importlib.import_module("vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()
    return lambda text: judge.polarity_scores(text)["compound"]


def afinn() -> Callable[[str], float]:
    """AFINN's sum of words (English)."""
    return importlib.import_module("afinn").Afinn().score


def textblob() -> Callable[[str], float]:
    """TextBlob's polarity (English)."""
    judge = importlib.import_module("textblob").TextBlob
    return lambda text: judge(text).sentiment.polarity


def snownlp() -> Callable[[str], float]:
    """SnowNLP's trained classifier (Chinese)."""
    judge = importlib.import_module("snownlp").SnowNLP
    return lambda text: 2 * judge(text).sentiments - 1 if text.strip() else 0.0


def cnsenti() -> Callable[[str], float]:
    """Cnsenti's words of both kinds with their degrees (Chinese)."""
    judge = importlib.import_module("cnsenti").Sentiment()

    def tell(text: str) -> float:
        found = judge.sentiment_calculate(text)
        return found["pos"] - found["neg"]

    return tell


PEERS = {"en": (vader, afinn, textblob), "zh": (snownlp, cnsenti)}


def peers(language: str) -> list[tuple[str, Callable[[Sequence[str]], FloatArray]]]:
    """The other lexicons of a language that are installed here."""
    there = []
    for made in PEERS.get(language, ()):
        try:
            tell = made()
        except ImportError as absent:
            print(f"{made.__name__} is left out: {absent}", file=sys.stderr)
            continue
        there.append(
            (made.__name__, lambda texts, tell=tell: np.array([tell(one) for one in texts], dtype=float))
        )
    return there


if __name__ == "__main__":
    main()
