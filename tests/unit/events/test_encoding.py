from __future__ import annotations

import codecs
import gzip
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retain.errors import SourceError

if TYPE_CHECKING:
    from tests.unit.events.conftest import Shop

CASES = [
    ("utf-8", "Käse, süß und Öl für große Mägen"),
    ("utf-8-sig", "Käse, süß und Öl für große Mägen"),
    ("utf-16", "Заказ пришёл вовремя"),
    ("utf-16-le", "plain words only"),
    ("utf-16-be", "plain words only"),
    ("utf-32", "Заказ пришёл вовремя"),
    ("cp1251", "Заказ пришёл вовремя, спасибо большое магазину"),
    ("cp1252", "Käse, süß und Öl für große Mägen – très bien"),  # noqa: RUF001 -- real punctuation
    ("gb18030", "订单已经收到，质量很好，谢谢卖家，下次还会再来购买"),  # noqa: RUF001 -- real punctuation
    ("big5", "訂單已經收到，品質很好，謝謝賣家，下次還會再來購買"),  # noqa: RUF001 -- real punctuation
]


@pytest.mark.parametrize(("encoding", "words"), CASES)
@pytest.mark.parametrize("given", ["auto", "named"])
def test_text_is_read_in_its_encoding(shop: Shop, texts: Any, encoding: str, words: str, given: str) -> None:
    """Old and new encodings are told from the bytes, or taken from the config."""
    text = "customer_id;given_at;text\n" + "".join(f"c{i};2023-01-01;{words} {i}\n" for i in range(9))
    shop.csv("feedback", text, written=encoding, encoding=encoding if given == "named" else "auto")
    assert texts(shop.read(), "feedback", "text") == [f"{words} {i}" for i in range(9)]


def test_the_encoding_is_shown(shop: Shop) -> None:
    """The account says what was read and how."""
    text = "customer_id;ordered_at;category\na;2023-01-01;Детские игрушки и книги для школы\n"
    assert shop.csv("orders", text, written="cp1251").read().accounts["orders"].format == "csv, cp1251, ';'"


def test_a_compressed_file_is_read_like_any_other(shop: Shop, texts: Any) -> None:
    """Also when its text is in an old encoding."""
    text = "customer_id;given_at;text\na;2023-01-01;Заказ пришёл вовремя, спасибо\n"
    shop.file("feedback", "f.csv.gz", gzip.compress(text.encode("cp1251")))
    assert texts(shop.read(), "feedback", "text") == ["Заказ пришёл вовремя, спасибо"]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_line_ends_of_any_kind_may_be_mixed(shop: Shop, ends: bytes) -> None:
    """A file put together on two systems is whole."""
    lines = [b"customer_id,ordered_at", b"a,2023-01-01", b"b,2023-01-01", b"c,2023-01-01"]
    content = lines[0] + ends + lines[1] + b"\r\n" + lines[2] + b"\n" + lines[3]
    assert shop.file("orders", "o.csv", content).read().customer_ids.tolist() == ["a", "b", "c"]


def test_a_byte_that_fits_no_usual_encoding_is_still_read(shop: Shop, texts: Any) -> None:
    """Latin-1 takes every byte."""
    text = b"customer_id,given_at,text\na,2023-01-01,caf\xe9 \x81\x98\xff\n"
    store = shop.file("feedback", "f.csv", text).read()
    assert len(texts(store, "feedback", "text")) == 1


def test_a_broken_byte_in_utf8_spoils_one_character(shop: Shop, texts: Any) -> None:
    """A file of a million good rows is not read as nonsense because one byte broke, and the account says so."""
    words = "Заказ пришёл вовремя"
    lines = [f"c{i};2023-01-01;{words} {i}\n".encode() for i in range(9)]
    lines[4] = lines[4].replace("Заказ".encode(), b"\xff")
    store = shop.file("feedback", "f.csv", b"customer_id;given_at;text\n" + b"".join(lines)).read()
    broken = ["Заказ"] * 4 + ["\ufffd"] + ["Заказ"] * 4
    assert texts(store, "feedback", "text") == [f"{one} пришёл вовремя {i}" for i, one in enumerate(broken)]
    assert "utf-8 with broken characters" in store.accounts["feedback"].format


def test_a_wrong_encoding_is_refused(shop: Shop) -> None:
    """The message names the file and what to set."""
    content = b"customer_id,ordered_at,category\na,2023-01-01,\xff\xfe\xfa\n"
    for encoding, words in (("utf-8", "'o.csv' is not in utf-8"), ("utf-9", "'utf-9' is unknown")):
        with pytest.raises(SourceError, match=words):
            shop.file("orders", "o.csv", content, encoding=encoding).read()
    broken = codecs.BOM_UTF16_LE + "customer_id,ordered_at\n".encode("utf-16-le") + b"\x00\xd8\x00"
    with pytest.raises(SourceError, match=r"'o\.csv' is not in utf-16"):
        shop.file("orders", "o.csv", broken).read()


def test_a_long_file_is_rewritten_whole(shop: Shop) -> None:
    """Longer than what is read at once, with the foreign letters far apart."""
    text = "customer_id;ordered_at;category\n" + "".join(
        f"c{i:06};2023-01-01;{'Детские игрушки и книги' if i % 9 == 0 else 'toys and books for children'}\n"
        for i in range(30_000)
    )
    store = shop.csv("orders", text, written="cp1251").read()
    assert len(store.customer_ids) == 30_000
    assert store.accounts["orders"].format == "csv, cp1251, ';'"


BINARY = bytes((place * place * 31 + place // 7) % 256 for place in range(20_000))


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
@pytest.mark.parametrize(
    "content",
    [
        b"customer_id,ordered_at\nann,2023-01-01\nbo\0b,2023-01-01\n" + b"ann,2023-01-01\n" * 50,
        BINARY,
        b"ann" + bytes(5000),
        b"\0\0",
        b"PAR1 ann",
    ],
    ids=["one NUL", "binary", "zeros", "two NULs", "parquet"],
)
def test_a_file_that_is_no_text_is_refused(shop: Shop, content: bytes, format_: str) -> None:
    """In one short message that names the file and repeats nothing of it."""
    with pytest.raises(SourceError, match=r"'o.dat' holds bytes that no text has") as error:
        shop.file("orders", "o.dat", content, format=format_).read()
    assert "ann" not in str(error.value)
    assert str(error.value).isascii()


def test_a_parquet_file_is_no_csv(shop: Shop) -> None:
    """Also a real one, in which hardly a byte is zero or a great many are."""
    for rows in (1, 5000):
        ids = [f"ann{i}" for i in range(rows)]
        pq.write_table(pa.table({"customer_id": ids, "n": list(range(rows))}), shop.folder / "o.csv")
        with pytest.raises(SourceError, match=r"'o.csv' holds bytes that no text has"):
            shop.at("orders", "o.csv").read()


@pytest.mark.parametrize("encoding", ["hex", "rot13", "zip", "base64", "undefined", "a\0b", "x" * 300])
def test_an_encoding_that_makes_no_text_is_refused(shop: Shop, encoding: str) -> None:
    """Python has a few that are none."""
    with pytest.raises(SourceError, match=r"encoding = '(?s:.)+' is unknown|is not in undefined"):
        shop.csv("orders", "customer_id,ordered_at\na,2023-01-01\n", encoding=encoding).read()


def test_a_wrong_encoding_repeats_nothing(shop: Shop) -> None:
    """What cannot be decoded may be somebody's name."""
    content = "customer_id,ordered_at\nJosé Núñez,2023-01-01\n".encode("cp1252")
    for encoding in ("ascii", "utf-8", "utf-16", "utf-7", "idna", "punycode"):
        with pytest.raises(SourceError, match=r"'o.csv' is not in ") as error:
            shop.file("orders", "o.csv", content, encoding=encoding).read()
        assert "Jos" not in str(error.value)


@pytest.mark.parametrize("where", [12, 200, -20])
def test_a_damaged_compressed_file_is_refused(shop: Shop, where: int) -> None:
    """Wherever the damage is, the file is named."""
    rows = "".join(f"c{i * 7919},2023-01-01\n" for i in range(900))
    content = bytearray(gzip.compress(f"customer_id,ordered_at\n{rows}".encode(), mtime=0))
    content[where : where + 8 if where > 0 else None] = b"\xff" * len(
        content[where : where + 8 if where > 0 else None]
    )
    with pytest.raises(SourceError, match=r"'o.csv.gz' cannot be read as csv"):
        shop.file("orders", "o.csv.gz", bytes(content)).read()
