"""Tests of other people's models as sentiment backends: a function, a program, an ONNX file."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from retain.cache import Cache
from retain.errors import ConfigError, SourceError, UsageError, UserError
from retain.text.backends import MODEL, TextSettings, backend_of
from retain.text.feed import Feed
from retain.text.hooks import Command, Function, Onnx, hook
from retain.text.understood import LEXICON

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from retain.text.understood import Understood

PRAISE, BLAME = ["good", "great", "love"], ["bad", "awful", "late"]
PRIVATE = "my secret words"

VADER = """
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

def score(texts, languages):
    tell = SentimentIntensityAnalyzer().polarity_scores
    return [tell(one)["compound"] if language == "en" else None for one, language in zip(texts, languages)]
"""
PROGRAM = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    known = asked["language"] in ("en", None)
    print(json.dumps(0.5 if known and "good" in asked["text"] else -0.25 if known else None))
"""


def feed(texts: Sequence[str | None], languages: Sequence[str | None] | None = None) -> Feed:
    """Texts of one month."""
    made = np.empty(len(texts), dtype=object)
    made[:] = texts
    told = np.full(len(texts), None, dtype=object)
    if languages is not None:
        told[:] = languages
    nothing = np.zeros(len(texts), dtype=np.int64)
    return Feed(made, told, nothing, nothing, np.full(len(texts), np.nan))


def understood(
    backend: str, texts: Sequence[str | None], languages: Sequence[str | None] | None = None
) -> Understood:
    """What the backend of that name says."""
    return backend_of(TextSettings(backend))(feed(texts, languages), Cache(None))


def refused(backend: str, kind: type[UserError], *words: str) -> BaseException | None:
    """The cause of the one message, of that kind and with these words, that the backend ends with; it quotes no text."""
    with pytest.raises(UserError) as caught:
        understood(backend, [PRIVATE, "Another good text"])
    assert type(caught.value) is kind
    said = str(caught.value)
    assert "secret" not in said
    assert "\n" not in said
    assert said.endswith(".")
    for word in words:
        assert word in said, said
    return caught.value.__cause__


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A function from the code of a module to the place of its function ``score``."""
    monkeypatch.syspath_prepend(tmp_path)

    def made(code: str) -> str:
        name = f"somebodys_model_{len(list(tmp_path.glob('*.py')))}"
        (tmp_path / f"{name}.py").write_text(code)
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, name, raising=False)
        return f"python:{name}:score"

    return made


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """A function from the code of a program to the command that runs it."""

    def made(code: str) -> str:
        path = tmp_path / "a program.py"
        path.write_text(code)
        return f"command:'{sys.executable}' '{path}'"

    return made


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Path]:
    """A function from a number of outputs to a folder with a classifier of that many, and its tokenizer."""

    def made(outputs: int, *, scores: str = "mean", first_input: str = "input_ids") -> Path:
        tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))  # noqa: S106  # no password
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.train_from_iterator(
            [" ".join([*PRAISE, *BLAME, "shop"])],
            trainers.WordLevelTrainer(special_tokens=["[PAD]", "[UNK]"]),
        )
        folder = tmp_path / f"model-{outputs}-{scores}-{first_input}"
        folder.mkdir()
        tokenizer.save(str(folder / "tokenizer.json"))
        embedding = np.zeros((tokenizer.get_vocab_size(), 1), dtype=np.float32)
        for words, tone in ((PRAISE, 1), (BLAME, -1)):
            for word in words:
                embedding[tokenizer.token_to_id(word)] = tone
        weights = np.linspace(-3, 3, outputs, dtype=np.float32) if outputs > 1 else np.array([6], np.float32)
        put_out = helper.make_tensor_value_info
        outcome = {
            "mean": put_out("logits", TensorProto.FLOAT, ["texts", outputs]),
            "embedded": put_out("embedded", TensorProto.FLOAT, ["texts", "tokens", 1]),
            "flat": put_out("flat", TensorProto.FLOAT, ["texts"]),
            "best": put_out("best", TensorProto.INT64, ["texts", 1]),
        }[scores]
        graph = helper.make_graph(
            [
                helper.make_node("Gather", ["embedding", first_input], ["embedded"]),
                helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
                helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
                helper.make_node("Mul", ["embedded", "mask3"], ["kept"]),
                helper.make_node("ReduceSum", ["kept", "second"], ["total"], keepdims=0),
                helper.make_node("ReduceSum", ["mask", "second"], ["tokens"], keepdims=1),
                helper.make_node("Div", ["total", "tokens"], ["mean"]),
                helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
                helper.make_node("ReduceSum", ["logits", "second"], ["flat"], keepdims=0),
                helper.make_node("ArgMax", ["logits"], ["best"], axis=1),
            ],
            "classifier",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
                for name in (first_input, "attention_mask")
            ],
            [outcome],
            [
                numpy_helper.from_array(embedding, "embedding"),
                numpy_helper.from_array(weights[None, :], "weights"),
                numpy_helper.from_array(np.array([2]), "last"),
                numpy_helper.from_array(np.array([1]), "second"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        return folder

    return made


def test_a_function_tells_the_sentiment_and_the_word_lists_the_rest(module: Callable[[str], str]) -> None:
    """VADER scores the English texts; where it has no answer the word lists' stands, and topics are always theirs."""
    texts = ["This shop rocks, kudos!", "The delivery was terrible", "Ужасная доставка", "12", None]
    found = understood(module(VADER), texts)
    words = understood("lexicon", texts)
    assert found.tier.tolist() == [MODEL, MODEL, LEXICON, "", ""]
    assert found.sentiment[0] == pytest.approx(0.5562, abs=1e-3)
    assert found.sentiment[1] == pytest.approx(-0.4767, abs=1e-3)
    assert found.sentiment[2] == words.sentiment[2]
    assert np.isnan(found.sentiment[3:]).all()
    assert np.array_equal(found.topics, words.topics)
    assert np.array_equal(found.intents, words.intents)
    assert found.understood.tolist() == [True, True, True, False, False]


def test_a_function_gets_clean_texts_and_languages(module: Callable[[str], str]) -> None:
    """Lists of str; tags and links are gone, and the language is the one that the source says or the words tell."""
    place = module(
        "asked = []\ndef score(texts, languages):\n    asked.append((texts, languages)); return [0] * len(texts)"
    )
    understood(place, ["<b>The</b> shop is great, see https://shop.example/x", "super"], [None, "de-AT"])
    asked = importlib.import_module(place.split(":")[1]).asked
    assert [(" ".join(one[0][0].split()), one[0][1], one[1]) for one in asked] == [
        ("The shop is great, see", "super", ["en", "de"])
    ]


@pytest.mark.parametrize(
    "returned",
    [
        "[0.5, None]",
        "(0.5, float('nan'))",
        "numpy.array([0.5, numpy.nan])",
        "iter([0.5, None])",
        "pandas.Series([0.5, None])",
    ],
)
def test_a_function_may_return_what_numbers_come_in(module: Callable[[str], str], returned: str) -> None:
    """A list, a tuple, an array, an iterator, a series; NaN is not known, as None is."""
    place = module(f"import numpy, pandas\ndef score(texts, languages):\n    return {returned}")
    told = Function(place.removeprefix("python:"))(["a", "b"], [None, None])
    assert np.array_equal(told, [0.5, np.nan], equal_nan=True)


def test_what_a_function_prints_is_no_result(
    module: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its words go to stderr, so that stdout stays the JSON that was asked for."""
    understood(
        module("print('loading')\ndef score(texts, languages):\n    print('hm'); return [0] * len(texts)"),
        ["good"],
    )
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.split() == ["loading", "hm"]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("def other(): ...", ConfigError, ("there is no function", "has no attribute 'score'")),
        ("score = 7", ConfigError, ("is no function",)),
        ("import a_package_that_is_not_there", ConfigError, ("No module named 'a_package_that_is_not_there'",)),
        ("1 / 0", ConfigError, ("fails when it is imported", "ZeroDivisionError")),
        ("def score(", ConfigError, ("fails when it is imported", "SyntaxError")),
        ("def score(texts, languages): raise KeyError(texts[0])", SourceError, ("failed with KeyError",)),
        ("def score(texts, languages): return (one / 2 for one in texts)", SourceError, ("failed with TypeError",)),
        ("def score(texts): return [0]", SourceError, ("failed with TypeError", "list of their languages")),
        ("def score(texts, languages): return 0.5", SourceError, ("failed with TypeError", "one number a text")),
        ("def score(texts, languages): return [0.5]", SourceError, ("told 1 numbers for 2 texts",)),
        ("def score(texts, languages): return [0, 5]", SourceError, ("told 5", "between -1 and 1")),
        ("def score(texts, languages): return [0, float('-inf')]", SourceError, ("told -inf",)),
        ("def score(texts, languages): return texts", SourceError, ("no number",)),
        ("def score(texts, languages): return [[0, 1], [1, 0]]", SourceError, ("no number",)),
        ("def score(texts, languages): return [0, 10 ** 400]", SourceError, ("no number",)),
    ],
)  # fmt: skip
def test_a_function_that_does_not_do_is_one_message(
    module: Callable[[str], str], code: str, kind: type[UserError], words: tuple[str, ...]
) -> None:
    """What is wrong, in one line that quotes no customer, with the cause chained where there is one."""
    place = module(code)
    cause = refused(place, kind, place.removeprefix("python:"), *words)
    assert (cause is None) == (
        words[0] in {"is no function", "told 1 numbers for 2 texts", "told 5", "told -inf"}
    )


@pytest.mark.parametrize("place", ["no_such_module:score", "no_such_module", "json", ".json:loads", ":loads"])
def test_a_function_that_does_not_exist_is_named(place: str) -> None:
    """With what the setting has to look like."""
    refused(f"python:{place}", ConfigError, f"'{place}'", "python:package.module:function")


def test_a_program_is_asked_with_json_lines(program: Callable[[str], str]) -> None:
    """It tells a number a line; null leaves the word lists' answer. Spaces in quoted words do no harm."""
    found = understood(
        program(PROGRAM), ["this is a good shop", "Пратката закъсня", "zzz", None], [None, "bg", None, None]
    )
    assert found.tier.tolist() == [MODEL, LEXICON, LEXICON, ""]
    assert found.sentiment[0] == 0.5


def test_a_program_gets_any_character(program: Callable[[str], str]) -> None:
    """Line ends, other alphabets and half a surrogate pair arrive as they are: one text is one line."""
    line = program("import json, sys\nfor line in sys.stdin:\n    print(len(json.loads(line)['text']) / 100)")
    texts = ["a\nb\u2028c", "好", "\ud800x", "👍"]
    assert Command(line.removeprefix("command:"))(texts, [None] * 4).tolist() == [0.05, 0.01, 0.02, 0.01]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit(3)", ("ended with 3", "Run it by hand")),
        ("print('hello')", ("one number, or null, a line",)),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\n')", ("one number, or null, a line",)),
        ("print(0.5)", ("told 1 numbers for 2 texts",)),
        ("print(0.5); print(7)", ("told 7", "between -1 and 1")),
        ("print('{}'); print('[]')", ("no number",)),
        ('print(\'{"text": "my secret words"}\'); print(0)', ("no number",)),
        ("import sys; sys.stderr.buffer.write(b'\\xff'); print('hello')", ("one number, or null, a line",)),
    ],
)
def test_a_program_that_does_not_do_is_one_message(
    program: Callable[[str], str], code: str, words: tuple[str, ...]
) -> None:
    """A code that is not 0, words instead of numbers, too few, too large: each is said, with the command."""
    refused(program(code), SourceError, "a program.py", *words)


@pytest.mark.parametrize("line", ["no-such-program --fast", "'not closed", "/"])
def test_a_program_that_cannot_run_is_named(line: str) -> None:
    """Missing, badly quoted, or a folder."""
    cause = refused(f"command:{line}", ConfigError, line, "cannot be run")
    assert isinstance(cause, (OSError, ValueError))


@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
def test_an_exported_classifier_tells_the_sentiment(exported: Callable[..., Path], outputs: int) -> None:
    """One output is the log-odds of positive, two are no and yes, more go from worst to best."""
    texts = ["good great shop", "awful late shop", "shop", "love", "zzz " * 900, "good"]
    told = Onnx(str(exported(outputs)))(texts, [None] * len(texts))
    assert told[0] == pytest.approx(-told[1])
    assert told[0] > 0.5
    assert told[[2, 4]].tolist() == pytest.approx([0, 0])
    assert told[3] == told[5] > told[0]
    assert np.abs(told).max() < 1
    if outputs <= 2:
        # The softmax over two classes is the logistic function of their difference, here 6 for praise alone.
        assert told[3] == pytest.approx(2 / (1 + np.exp(-6)) - 1)
    if outputs == 3:
        odds = np.exp([-3, 0, 3])
        assert told[3] == pytest.approx(odds @ [-1, 0, 1] / odds.sum())


def test_one_score_a_text_need_not_stand_in_a_column(exported: Callable[..., Path]) -> None:
    """A vector of log-odds says what a matrix of one column does."""
    texts = ["good great shop", "awful"]
    flat = Onnx(str(exported(1, scores="flat")))(texts, [None, None])
    assert flat.tolist() == Onnx(str(exported(1)))(texts, [None, None]).tolist()


def test_a_classifier_reads_each_text_alone(exported: Callable[..., Path]) -> None:
    """Neither the order of the texts nor their neighbours' length matters, beyond one batch too."""
    model = Onnx(str(exported(3)))
    texts = [" ".join(["good"] * (1 + row % 9) + ["shop"] * (row % 7)) for row in range(150)]
    whole = model(texts, [None] * len(texts))
    assert model(texts[::-1], [None] * len(texts))[::-1].tolist() == whole.tolist()
    assert [float(model([one], [None])[0]) for one in texts[:20]] == pytest.approx(
        whole[:20].tolist(), abs=1e-6
    )


def test_a_tokenizer_keeps_its_limits(exported: Callable[..., Path]) -> None:
    """How much of a text the model takes, and what fills a batch up, is what the tokenizer's file says."""
    folder = exported(2)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(pad_id=1, pad_token="[UNK]", direction="left", length=2)  # noqa: S106  # no password
    tokenizer.save(str(folder / "tokenizer.json"))
    told = Onnx(str(folder))(["good good good bad bad bad", "good", "bad shop"], [None] * 3)
    assert told[0] == pytest.approx(told[1])
    assert told[2] < 0


def test_a_classifier_reads_a_broken_encoding(exported: Callable[..., Path]) -> None:
    """Half a surrogate pair is an unknown word, no reason to stop."""
    assert Onnx(str(exported(2)))(["\ud800 good"], [None])[0] > 0


def test_a_classifier_is_a_backend_by_its_folder(exported: Callable[..., Path]) -> None:
    """The setting names the folder; texts without letters are not asked about."""
    found = understood(f"onnx:{exported(2)}", ["good shop", "12", None])
    assert found.tier.tolist() == [MODEL, "", ""]
    assert found.sentiment[0] > 0


def test_a_classifiers_fingerprint_is_its_files(exported: Callable[..., Path]) -> None:
    """Another place changes nothing, another file does: then its texts are scored anew."""
    folder = exported(2)
    before = Onnx(str(folder)).fingerprint
    moved = folder.rename(folder.with_name("moved"))
    assert Onnx(str(moved)).fingerprint == before
    (moved / "tokenizer.json").write_text("{}")
    assert Onnx(str(moved)).fingerprint != before


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_classifier_without_its_files_says_which(exported: Callable[..., Path], name: str) -> None:
    """A folder that lacks one, or that is not there."""
    folder = exported(2)
    (folder / name).unlink()
    refused(f"onnx:{folder}", ConfigError, f"no readable {name}", "No such file or directory")
    refused(f"onnx:{folder}-none", ConfigError, "no readable model.onnx")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_classifier_is_refused(exported: Callable[..., Path], name: str) -> None:
    """A file that is cut short is said to be no model that can be read."""
    folder = exported(2)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    refused(f"onnx:{folder}", ConfigError, "holds no model that can be read", "Export it again")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"scores": "embedded"}, ("float32 of shape (2, ", "Export it as a text classifier")),
        ({"scores": "best"}, ("int64 of shape (2, 1)", "Export it as a text classifier")),
        ({"first_input": "pixels"}, ("takes other inputs than input_ids", "pixels")),
    ],
)
def test_a_model_of_something_else_is_refused(
    exported: Callable[..., Path], how: dict[str, str], words: tuple[str, ...]
) -> None:
    """Hidden states, a class instead of scores, and other inputs are no sentiment, so they are not taken for one."""
    refused(f"onnx:{exported(2, **how)}", ConfigError, *words)


def test_a_tokenizer_of_another_model_is_refused(exported: Callable[..., Path]) -> None:
    """Tokens that the model does not have end in one message."""
    folder = exported(2)
    other = Tokenizer.from_file(str(folder / "tokenizer.json"))
    other.add_tokens([f"word{one}" for one in range(9)] + ["secret"])
    other.save(str(folder / "tokenizer.json"))
    refused(f"onnx:{folder}", ConfigError, "other tokens than its tokenizer makes")


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_the_missing_package_is_named_with_what_to_install(
    exported: Callable[..., Path], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has not installed the extra is told its name."""
    monkeypatch.setitem(sys.modules, package, None)
    refused(f"onnx:{exported(2)}", ConfigError, f"needs {package}", "pip install 'retain[onnx]'")


def test_texts_that_say_nothing_are_not_asked_about(tmp_path: Path) -> None:
    """A model is not troubled for none: neither is the program started nor the module imported."""
    for backend in ("python:no_such_module:score", "command:no-such-program"):
        assert np.isnan(understood(backend, [None, "12"]).sentiment).all()
    with pytest.raises(ConfigError):
        understood(f"onnx:{tmp_path}", [None])


def test_a_model_is_asked_once_until_its_version_changes(
    module: Callable[[str], str], tmp_path: Path
) -> None:
    """What it said of the same texts is kept; another version, which only its owner can tell, is asked again."""
    place = module(
        "asked = []\ndef score(texts, languages):\n    asked.append(texts); return [0.25] * len(texts)"
    )
    for version, times in (("", 1), ("", 1), ("2", 2), ("2", 2)):
        found = backend_of(TextSettings(place, version))(feed(["a fine shop"]), Cache(tmp_path / "texts"))
        assert found.sentiment.tolist() == [0.25]
        assert len(importlib.import_module(place.split(":")[1]).asked) == times


@pytest.mark.parametrize("setting", ["python:", "command: ", "onnx:", "pythn:a:b", "http://shop.example"])
def test_a_setting_that_names_no_model_is_refused(setting: str) -> None:
    """With the three ways to name one."""
    with pytest.raises(
        UsageError, match=r"names no model.*python:package.module:function.*command:PROGRAM.*onnx:FOLDER"
    ):
        TextSettings(setting)


def test_the_name_of_a_backend_of_our_own_is_no_model() -> None:
    """Only what has a colon is somebody's model."""
    assert hook("lexicon") is None
    assert hook("python: a.b:c ") == Function("a.b:c")
    assert hook("command:score --fast") == Command("score --fast")
