"""Tests of which list a text is read with."""

from __future__ import annotations

import pytest

from retain.text.language import UNDETERMINED
from retain.text.reading import read


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The parcel was late and nobody answered the phone", "en"),
        ("Die Lieferung ist nicht angekommen und niemand meldet sich", "de"),
        ("Le colis est arrivé en retard et le service est nul", "fr"),
        ("El paquete llegó tarde y nadie me contesta en la tienda", "es"),
        ("O produto não chegou e a loja não responde você", "pt"),
        ("Ürün çok güzel ama kargo geç geldi, teşekkürler", "tr"),
        ("Посылка пришла поздно, и никто не отвечает, это ужас", "ru"),
        ("Посилка прийшла пізно, і ніхто не відповідає, це жах", "uk"),
        ("Пратката дойде късно и никой не отговаря, това е ужас", "bg"),
        ("Тауар кеш келді, ешкім жауап бермейді, өте нашар", "kk"),
        ("包裹来得太晚了，没有人回复", "zh"),
        ("包裹來得太晚了，沒有人回覆", "zh"),
        ("zzz qqq xxx", UNDETERMINED),
        ("👍👍", UNDETERMINED),
    ],
)
def test_letters_and_words_tell_the_language(text: str, language: str) -> None:
    """Nobody has to say which language a text is in, and nothing is guessed where nothing tells."""
    assert read([text]).language[0] == language


def test_what_the_source_says_goes_before_what_the_words_tell() -> None:
    """A German "die" is an article and an English one is a threat; a stated code decides, with or without a region."""
    assert read(["super service"], ["de-AT"]).language[0] == "de"
    assert read(["super service"], ["pt_BR"]).language[0] == "pt"
    assert read(["超好食"], ["yue-Hant-HK"]).language[0] == "zh"


def test_a_language_nobody_knows_keeps_its_code_and_only_emoji_count() -> None:
    """Words of other languages are not read into Georgian; a smile is one everywhere."""
    found = read(["super excellent terrible", "ძალიან კარგი 😍"], ["ka", "ka"])
    assert found.language.tolist() == ["ka", "ka"]
    assert found.understood.tolist() == [False, True]
    assert found.sentiment[0] == 0
    assert found.sentiment[1] > 0
