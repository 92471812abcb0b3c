"""From text to numbers, also in a contract's own spelling: no value changes."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.contracts.model import Numbers

from .typed import accepts, rejects


def test_integers():
    accepts(
        "INTEGER",
        {"7": 7, " 7 ": 7, "+7": 7, "-7": -7, "007": 7, "\t7\n": 7, "\u00a07": 7, "-2147483648": -(2**31)},
    )
    bad = [
        "1.5",
        "1.0",
        "1e3",
        "1_000",
        "0x1F",
        "0b1",
        "1,000",
        "7 8",
        "--7",
        "2147483648",
        "\u0663",
        "x",
        "inf",
        "-",
    ]
    rejects("INTEGER", "not_an_integer", bad)
    rejects("SMALLINT", "not_an_integer", ["32768"])
    accepts("BIGINT", {"9223372036854775807": 2**63 - 1})


def test_decimals_never_round():
    good = {
        "1.5": "1.50",
        "1.50": "1.50",
        "1.500": "1.50",
        "-0.01": "-0.01",
        ".5": "0.50",
        "5.": "5.00",
        "+1": "1.00",
    }
    accepts("DECIMAL(12,2)", {text: Decimal(value) for text, value in good.items()})
    bad = ["1.505", "0.001", "10000000000", "1e2", "1_0", "1,5", "inf", "nan", ".", "", "1.5.0", "$5"]
    rejects("DECIMAL(12,2)", "not_a_decimal", [b for b in bad if b])
    rejects("DECIMAL(5,0)", "not_a_decimal", ["1.5", "100000"])
    accepts("DECIMAL(5,0)", {"1.0": Decimal(1)})
    accepts("DECIMAL(38,9)", {"0.123456789": Decimal("0.123456789")})


def test_floats():
    accepts("DOUBLE", {"1.5": 1.5, "1e3": 1000.0, "-.5E-2": -0.005, " 7 ": 7.0, "1e308": 1e308})
    rejects("DOUBLE", "not_a_number", ["1e999", "inf", "nan", "1_0", "0x10", "1,5", "1.5f", "e5"])
    rejects("FLOAT", "not_a_number", ["1e39"])


GERMAN = Numbers(",", (".",), ("€", "EUR", "%"), ("parentheses", "trailing"))


def test_numbers_in_the_contracts_spelling():
    good = {
        "12,50": "12.50",
        "1.234,5": "1234.50",
        "1.234.567,89 €": "1234567.89",
        "€ -3,00": "-3.00",
        "-€3": "-3.00",
        "(12,50)": "-12.50",
        "(12,50 €)": "-12.50",
        "12,50-": "-12.50",
        "12,50- EUR": "-12.50",
        "12 %": "12.00",
        "+7": "7.00",
        "\u22127": "-7.00",
        "12\u00a0€": "12.00",
        ",5": "0.50",
        "1,500": "1.50",
        "12.34.567": "1234567.00",
    }
    wanted = {text: Decimal(value) for text, value in good.items()}
    accepts("DECIMAL(12,2)", wanted, numbers=GERMAN)
    bad = [
        "12.50",
        "1.23,4",
        "1,234",
        "12,5,0",
        "12 $",
        "(12,50",
        "-(3)",
        "--3",
        "€",
        "1.2345",
        "soon",
        "1e3",
        "- -3",
    ]
    rejects("DECIMAL(12,2)", "not_a_decimal", bad, numbers=GERMAN)
    accepts("INTEGER", {"1.234": 1234, "(7)": -7, "5": 5}, numbers=GERMAN)
    rejects("INTEGER", "not_an_integer", ["1,0", "1.23", "3.000.000.000"], numbers=GERMAN)
    accepts("DOUBLE", {"1.234,25": 1234.25, "-1,5e-3": -0.0015, "2e+20": 2e20}, numbers=GERMAN)
    rejects("DOUBLE", "not_a_number", ["1e999", "inf", "1.5", "nan"], numbers=GERMAN)


@pytest.mark.parametrize(
    ("sign", "texts"),
    [
        (" ", ["1 234 567.5", "1\u00a0234\u00a0567.5", "1\u202f234\u202f567.5"]),
        ("'", ["1'234'567.5", "1\u2019234\u2019567.5"]),
        (",", ["1,234,567.5", "12,34,567.5", "1234567.5"]),
    ],
)
def test_thousands_are_grouped_by_any_sign(sign, texts):
    numbers = Numbers(".", (sign,))
    last = 1234567.5
    accepts("DOUBLE", dict.fromkeys(texts, last), numbers=numbers)
    rejects(
        "DOUBLE",
        "not_a_number",
        [f"1{sign}23", f"1{sign}{sign}234", f"2{sign}1234"],
        numbers=numbers,
    )


def grouped(value, decimal, thousands):
    return f"{value:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)


AMOUNTS = st.decimals(-(10**9), 10**9, places=2)
FORMS = ["-{}", "\u2212{}", "({})", "{}-", "({} €)", "€ -{}", "-€{}", "{}- €"]


@given(st.lists(AMOUNTS, min_size=1), st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'")]))
@settings(max_examples=20, deadline=None)
def test_any_grouped_number_comes_back(values, signs):
    decimal, thousands = signs
    good = {grouped(value, *signs): value for value in values}
    accepts("DECIMAL(12,2)", good, numbers=Numbers(decimal, (thousands,)))


@given(
    st.lists(AMOUNTS.map(abs), min_size=1, max_size=5),
    st.sampled_from([(",", "."), (".", ","), (",", "\u202f"), (".", "\u2019")]),
)
@settings(max_examples=20, deadline=None)
def test_any_negative_comes_back_in_each_of_its_forms(values, signs):
    decimal, thousands = signs
    wanted = Numbers(
        decimal, (thousands.translate({0x202F: " ", 0x2019: "'"}),), ("€",), ("parentheses", "trailing")
    )
    good = {
        around + form.format(grouped(value, *signs)) + around: -value
        for value in values
        for form in FORMS
        for around in (" ", "\u00a0", "\t", "")
    }
    accepts("DECIMAL(12,2)", good, numbers=wanted)
    # The other signs mean another number: never guessed.
    swapped = [grouped(value, thousands, decimal) for value in [*values, 1000] if value >= 1000]
    bad = [form.format(text) for text in swapped for form in FORMS]
    rejects("DECIMAL(12,2)", "not_a_decimal", bad, numbers=wanted)
