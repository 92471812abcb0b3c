"""Encodings are found without hints, and what is in none is replaced where it stands."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import InputError, SetupError
from sluice.readers import open_table
from sluice.readers.encodings import find_encoding, to_utf8

from .conftest import cells

TEXTS = {
    "de": "Straße,Größe\nMüller aus Köln,Grüße\nSchäfer aus Düsseldorf,schöne Tage\n",
    "fr": "prénom,ville\nHélène,Besançon est à côté\nFrançois,où êtes-vous élève\n",
    "pl": "imię,miasto\nŁukasz Wiśniewski,Łódź\nMałgorzata Kamińska,Świętokrzyskie źródło\n",
    "cs": "jméno,město\nŽofie Dvořáková,Plzeň\nJiří Černý,Příbram je blíž než Děčín\n",
    "ru": "имя,город\nИван Петров,Москва\nМария Смирнова,Санкт-Петербург\n",
    "uk": "ім'я,місто\nЇжакевич Євген,Київ\nОлена Шевченко,Чернівці\n",
    "el": "όνομα,πόλη\nΓιώργος Παπαδόπουλος,Αθήνα\nΜαρία,Θεσσαλονίκη\n",
    "he": "שם,עיר\nדוד כהן,ירושלים\nשרה לוי,תל אביב\n",
    "ar": "الاسم,المدينة\nمحمد علي,القاهرة\nفاطمة حسن,بغداد\n",
    "th": "ชื่อ,เมือง\nสมชาย ใจดี,กรุงเทพมหานคร\nสมหญิง,เชียงใหม่\n",
    "ja": "名前,都市\n山田太郎さん,東京都新宿区\nすずきはなこ,カタカナ大阪\n",
    "ko": "이름,도시\n김철수,서울특별시\n이영희,부산광역시 해운대구\n",
    "zh": "姓名,城市\n王小明,北京市海淀区\n李红,上海是一个大城市\n",
    "tw": "姓名,城市\n陳大文,臺北市信義區\n林小姐,高雄是一個大城市\n",
}
LEGACY = [
    *(("de", "cp1252"), ("fr", "cp1252"), ("fr", "iso8859-15"), ("pl", "cp1250"), ("pl", "iso8859-2")),
    *(("cs", "cp1250"), ("ru", "cp1251"), ("ru", "koi8-r"), ("ru", "iso8859-5"), ("uk", "koi8-u")),
    *(("uk", "cp1251"), ("el", "cp1253"), ("el", "iso8859-7"), ("he", "cp1255"), ("he", "iso8859-8")),
    *(("ar", "cp1256"), ("ar", "iso8859-6"), ("th", "cp874"), ("ja", "cp932"), ("ja", "euc_jp")),
    *(
        ("ja", "iso2022_jp"),
        ("ko", "cp949"),
        ("ko", "euc_kr"),
        ("zh", "gbk"),
        ("zh", "gb18030"),
        ("tw", "big5"),
    ),
]
WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8", "utf-8-sig"]


def told(path: Path) -> list[list[str | None]]:
    table = open_table(path, {"delimiter": ",", "quote": "", "header": "false"})
    return cells(table)


@pytest.mark.parametrize(("language", "encoding"), LEGACY)
def test_a_short_text_in_a_legacy_encoding_is_read_as_written(write, language, encoding):
    text = TEXTS[language]
    assert told(write(text, encoding=encoding)) == [line.split(",") for line in text.splitlines()]


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("language", TEXTS)
def test_unicode_is_found_with_and_without_a_bom_in_any_script(write, language, encoding):
    text = TEXTS[language]
    assert told(write(text, encoding=encoding)) == [line.split(",") for line in text.splitlines()]


def test_a_single_foreign_letter_reads_as_western(write):
    assert find_encoding(write("x,café\n", encoding="latin-1")) == "cp1252"
    assert find_encoding(write("id,name\n1,Müller\n", encoding="latin-1")) == "cp1252"


def test_nul_characters_do_not_make_a_text_wide(write):
    assert find_encoding(write("a,b\n1,x\0y\n2,z\0\n3,a long cell of plain text\n")) == "utf-8"


def test_an_encoding_that_is_none_of_texts_is_refused(write):
    for name in ("utf-9", "rot13", "base64"):
        with pytest.raises(SetupError, match=name):
            find_encoding(write("a\n"), name)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(
        ["utf-8", "utf-16-le", "utf-32-be", "cp1252", "cp932", "iso2022_jp", "gb18030", "euc_jp"]
    ),
    st.binary(min_size=1, max_size=60),
)
def test_bytes_of_any_kind_have_a_copy_and_errors_are_no_text(encoding, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(data)
        made = to_utf8(path, encoding, Path(folder)).read_bytes()
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            return
        assert made.decode() == text


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=200))
def test_no_bytes_bring_anything_but_an_input_error(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(data)
        try:
            assert "".encode(find_encoding(path)) is not None
        except InputError as error:
            assert error.hint  # noqa: PT017
