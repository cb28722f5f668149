"""Anyone's model as a sentiment backend: a Python function, a command, or a folder with an ONNX model.

All three are named in one setting: ``python:package.module:function``, ``command:score --fast``, ``onnx:models/tone``. They
tell the sentiment; language, topics and intents still come from the word lists.
"""

from __future__ import annotations

import importlib
import json
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from retain.errors import ConfigError, SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retain.text.feed import FloatArray

_BATCH = 64
"""Texts that an ONNX model reads at a time."""
_LONGEST = 512
"""Tokens of a text that an ONNX model reads."""


class Model(Protocol):
    """Somebody's model of sentiment."""

    @property
    def fingerprint(self) -> str:
        """Changes when the model does, as far as that can be seen from outside."""
        ...

    def __call__(self, texts: Sequence[str], languages: Sequence[str | None]) -> FloatArray:
        """A sentiment from -1 to 1 of each text, NaN where the model has none."""
        ...


def hook(setting: str) -> Model | None:
    """The model that a setting names, None where it names a backend of our own.

    Raises:
        UsageError: it is like a hook but names nothing.
    """
    kind, colon, rest = setting.partition(":")
    if not colon:
        return None
    kinds: dict[str, Callable[[str], Model]] = {"python": Function, "command": Command, "onnx": Onnx}
    made = kinds.get(kind)
    if made is None or not rest.strip():
        raise UsageError(
            f"[text] backend = '{setting}' names no model. Write python:package.module:function, command:PROGRAM, or "
            f"onnx:FOLDER."
        )
    return made(rest.strip())


@dataclass(frozen=True)
class Function:
    """A function from texts and their languages to sentiments.

    Attributes:
        place: ``package.module:function``.
    """

    place: str

    @property
    def fingerprint(self) -> str:
        """Its name: what it does cannot be seen."""
        return f"python:{self.place}"

    @cached_property
    def _function(self) -> Callable[..., Any]:
        module, _, name = self.place.partition(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError, TypeError) as cause:
            raise ConfigError(
                f"[text] backend: there is no function '{self.place}' ({cause}). Install its package in this "
                f"environment, or put its folder on PYTHONPATH, and write python:package.module:function."
            ) from cause
        except Exception as cause:  # whatever their module does when it is imported
            raise ConfigError(
                f"[text] backend: the module of '{self.place}' fails when it is imported: {_kind(cause)}. Import it by "
                f"hand to see where."
            ) from cause
        if not callable(found):
            raise ConfigError(f"[text] backend: '{self.place}' is no function.")
        made: Callable[..., Any] = found
        return made

    def __call__(self, texts: Sequence[str], languages: Sequence[str | None]) -> FloatArray:
        """What the function returns, checked; what it prints is no result of ours and goes to stderr."""
        if not texts:
            return np.zeros(0)
        name = f"python:{self.place}"
        with redirect_stdout(sys.stderr):
            function = self._function
            try:
                told = list(function(list(texts), list(languages)))
            except Exception as cause:  # whatever their function raises; its words may quote a customer's
                raise SourceError(
                    f"[text] backend {name} failed with {_kind(cause)}. It is called with a list of texts and a list of "
                    f"their languages, and has to return one number a text."
                ) from cause
        return _checked(told, len(texts), name)


@dataclass(frozen=True)
class Command:
    """A program that reads JSON lines with ``text`` and ``language`` and writes one number, or ``null``, a line.

    Attributes:
        line: the program and its arguments; no shell reads it.
    """

    line: str

    @property
    def fingerprint(self) -> str:
        """Its words: what it does cannot be seen."""
        return f"command:{self.line}"

    def __call__(self, texts: Sequence[str], languages: Sequence[str | None]) -> FloatArray:
        """What the program writes, checked."""
        if not texts:
            return np.zeros(0)
        sent = "".join(
            json.dumps({"text": text, "language": language}) + "\n"
            for text, language in zip(texts, languages, strict=True)
        )
        try:
            done = subprocess.run(  # noqa: S603  # the user's own program, without a shell
                shlex.split(self.line), input=sent.encode(), capture_output=True, check=False
            )
        except (OSError, ValueError) as cause:
            why = cause.strerror if isinstance(cause, OSError) else cause
            raise ConfigError(
                f"[text] backend: the command '{self.line}' cannot be run: {why}. Name a program that is on the PATH, or "
                f"where it is."
            ) from cause
        if done.returncode:
            raise SourceError(
                f"[text] backend: the command '{self.line}' ended with {done.returncode}. Run it by hand on a line such as "
                f'{{"text": "good", "language": "en"}} and see what it says.'
            )
        try:
            said = [json.loads(one) for one in done.stdout.splitlines()]
        except ValueError as cause:
            raise SourceError(
                f"[text] backend: the command '{self.line}' has to write one number, or null, a line, and nothing else."
            ) from cause
        return _checked(said, len(texts), f"command:{self.line}")


@dataclass(frozen=True)
class Onnx:
    """A text classifier as it is exported: ``model.onnx`` and ``tokenizer.json`` in one folder.

    One output is the log-odds of positive; of two the second is positive; of three or more they go from most negative
    to most positive.

    Attributes:
        folder: where they are.
    """

    folder: str

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the two files."""
        digest = sha256()
        for name in ("model.onnx", "tokenizer.json"):
            try:
                digest.update(sha256((Path(self.folder) / name).read_bytes()).digest())
            except OSError as cause:
                raise ConfigError(
                    f"[text] backend: {self.folder} holds no readable {name}: {cause.strerror}. Export the model with its "
                    f"tokenizer into that folder."
                ) from cause
        return f"onnx:{digest.hexdigest()}"

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        _ = self.fingerprint  # says which file is missing
        try:
            onnxruntime, tokenizers = (importlib.import_module(one) for one in ("onnxruntime", "tokenizers"))
        except ImportError as cause:
            raise ConfigError(f"An ONNX model needs {cause.name}: pip install 'retain[onnx]'.") from cause
        options = onnxruntime.SessionOptions()
        # Threads would change the last bits, and with them what is written.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(
                str(Path(self.folder) / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = tokenizers.Tokenizer.from_file(str(Path(self.folder) / "tokenizer.json"))
        except Exception as cause:  # both raise classes of their own, not all of which they export
            raise ConfigError(
                f"[text] backend: {self.folder} holds no model that can be read: {_first_line(cause)} Export it again."
            ) from cause
        # Its own limits and marks stay, but texts of a batch have to be of one length, whatever that is.
        tokenizer.enable_truncation(min(_LONGEST, (tokenizer.truncation or {}).get("max_length", _LONGEST)))
        tokenizer.enable_padding(**{**(tokenizer.padding or {}), "length": None})
        return session, tokenizer

    def __call__(self, texts: Sequence[str], languages: Sequence[str | None]) -> FloatArray:
        """What the model says of each text; it is not told the language."""
        del languages
        session, tokenizer = self._loaded
        wanted = {one.name for one in session.get_inputs()}
        told = np.zeros(len(texts))
        # Texts of like length together need little padding.
        order = np.argsort([len(one) for one in texts], kind="stable")
        for first in range(0, len(texts), _BATCH):
            rows = order[first : first + _BATCH]
            # Half a surrogate pair, which a broken encoding leaves, is nothing that a tokenizer takes.
            coded = tokenizer.encode_batch(
                [texts[int(row)].encode("utf-8", "replace").decode() for row in rows]
            )
            given = {
                "input_ids": [one.ids for one in coded],
                "attention_mask": [one.attention_mask for one in coded],
                "token_type_ids": [one.type_ids for one in coded],
            }
            try:
                scores = session.run(
                    None, {name: np.array(given[name], dtype=np.int64) for name in given if name in wanted}
                )[0]
            except Exception as cause:  # of classes of its own
                raise ConfigError(
                    f"[text] backend: the model in {self.folder} takes other inputs than {', '.join(given)}, or other "
                    f"tokens than its tokenizer makes: {_first_line(cause)}"
                ) from cause
            told[rows] = _tone(self._scores(scores, len(rows)))
        return _checked(told, len(texts), f"onnx:{self.folder}")

    def _scores(self, out: Any, count: int) -> FloatArray:
        """One row a text of what the model put out, one column a class."""
        found = np.asarray(out)
        if found.ndim == 1:
            found = found[:, None]
        if found.ndim != 2 or len(found) != count or not np.issubdtype(found.dtype, np.floating):
            raise ConfigError(
                f"[text] backend: the first output of the model in {self.folder} is {found.dtype} of shape {found.shape} "
                f"for {count:,} texts; a classifier's is one row of scores a text. Export it as a text classifier."
            )
        return found.astype(np.float64)


def _tone(scores: FloatArray) -> FloatArray:
    """The mean of the classes' places between -1 and 1, weighted by their probabilities."""
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    places = np.linspace(-1, 1, scores.shape[1])
    return np.asarray((odds / odds.sum(axis=1, keepdims=True)) @ places)


def _kind(cause: Exception) -> str:
    """What kind of failure, without its words: they may hold what a customer wrote."""
    kind = type(cause)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _first_line(cause: Exception) -> str:
    """The first line of what a library says of a file, as a sentence."""
    line = next(iter(str(cause).strip().splitlines()), _kind(cause)).strip()
    return line if line.endswith(".") else f"{line}."


def _checked(told: Sequence[Any] | FloatArray, count: int, name: str) -> FloatArray:
    """One number from -1 to 1 a text, or not known."""
    if len(told) != count:
        raise SourceError(f"[text] backend {name} told {len(told):,} numbers for {count:,} texts.")
    try:
        values = np.array([np.nan if one is None else float(one) for one in told])
    except (TypeError, ValueError, OverflowError) as cause:
        # Without what it told instead: that may be the text.
        raise SourceError(
            f"[text] backend {name} has to tell one number a text, or none; it told something that is no number."
        ) from cause
    if np.any(np.abs(values) > 1):
        raise SourceError(
            f"[text] backend {name} told {values[np.abs(values) > 1][0]:g}; a sentiment lies between -1 and 1."
        )
    return values
