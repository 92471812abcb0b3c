"""From text to dates, times and timestamps, also by a contract's formats and with zones."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import column
from .typed import accepts, rejects, typed

UTC = dt.UTC


def test_dates():
    day = dt.date(2024, 2, 3)
    accepts(
        "DATE",
        dict.fromkeys(["2024-02-03", " 2024-02-03 ", "2024-2-3", "2024/02/03", "2024-02-03T00:00:00"], day),
    )
    bad = [
        "2024-02-30",
        "2024-13-01",
        "24-02-03",
        "03.02.2024",
        "2024-02-03 10:11",
        "20240203",
        "epoch",
        "infinity",
    ]
    rejects("DATE", "not_a_date", [*bad, "2024-02-03 (BC)", "0000-01-01", "epoch     ", "24-01-01  "])
    formats = ("%d.%m.%Y", "%d/%m/%y")
    accepts(
        "DATE", dict.fromkeys(["03.02.2024", "3.2.2024", "03/02/24", " 03.02.2024"], day), formats=formats
    )
    rejects("DATE", "not_a_date", ["30.02.2024", "2024-02-03", "03.02.2024x"], formats=formats)


def test_timestamps_honour_the_zone():
    naive = dt.datetime(2024, 2, 3, 10, 11, 12)
    same = ["2024-02-03 10:11:12", "2024-02-03T10:11:12", "2024-02-03T10:11:12Z", "2024-02-03 10:11:12.000"]
    east = [
        "2024-02-03 12:11:12+02:00",
        "2024-02-03 12:11:12+02",
        "2024-02-03T12:11:12+0200",
        "2024-02-03 12:11:12 +0200",
    ]
    accepts("TIMESTAMP", dict.fromkeys([*same, *east], naive))
    accepts("TIMESTAMPTZ", dict.fromkeys([*same, *east], naive.replace(tzinfo=UTC)))
    accepts(
        "TIMESTAMP",
        {"2024-02-03": dt.datetime(2024, 2, 3), "2024-02-03 10:11": dt.datetime(2024, 2, 3, 10, 11)},
    )
    accepts("TIMESTAMP", {"2024-02-03 10:11:12.123456": naive.replace(microsecond=123456)})
    bad = [
        "2024-02-30 10:00:00",
        "2024-02-03 10:60:00",
        "2024-02-03 10",
        "yesterday",
        "2024-02-03 10:11:12.1234567",
    ]
    for kind in ("TIMESTAMP", "TIMESTAMPTZ"):
        rejects(
            kind, "not_a_timestamp", [*bad, "1706955072", "infinity", "2024-02-03 10:11:12 Europe/Berlin"]
        )
    formats = ("%d.%m.%Y %H:%M",)
    accepts("TIMESTAMP", {"03.02.2024 10:11": dt.datetime(2024, 2, 3, 10, 11)}, formats=formats)
    zoned = ("%d.%m.%Y %H:%M %z",)
    accepts("TIMESTAMP", {"03.02.2024 10:11 +0200": dt.datetime(2024, 2, 3, 8, 11)}, formats=zoned)


def test_times():
    accepts(
        "TIME",
        {"10:11:12": dt.time(10, 11, 12), "10:11": dt.time(10, 11), "1:02:03.5": dt.time(1, 2, 3, 500000)},
    )
    rejects("TIME", "not_a_time", ["24:00:00", "25:00:00", "10", "10:11:12+02", "10:11:12.1234567", "noon"])


@settings(max_examples=40, deadline=None)
@given(
    moments=st.lists(st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)), min_size=1),
    zone=st.sampled_from([None, UTC, dt.timezone(dt.timedelta(hours=5, minutes=30))]),
)
def test_any_iso_moment_comes_back(moments, zone):
    texts = [moment.replace(tzinfo=zone).isoformat() for moment in moments]
    rows, rejects = typed(texts, column("z", "TIMESTAMPTZ"), column("n", "TIMESTAMP"))
    assert rejects == []
    expected = [moment.replace(tzinfo=zone or UTC).astimezone(UTC) for moment in moments]
    assert [row["z"] for row in rows] == expected
    assert [row["n"] for row in rows] == [moment.replace(tzinfo=None) for moment in expected]


def test_a_year_of_two_digits_is_not_one_of_antiquity():
    formats = ("%d.%m.%Y", "%d.%m.%y")
    accepts("DATE", dict.fromkeys(["03.02.24", "03.02.2024"], dt.date(2024, 2, 3)), formats=formats)
    rejects("DATE", "not_a_date", ["03.02.24", "03.02.0024"], formats=("%d.%m.%Y",))


def test_times_by_format_and_zones_by_letter():
    accepts("TIME", {"1:05 pm": dt.time(13, 5), "13:05": dt.time(13, 5)}, formats=("%I:%M %p",))
    rejects("TIME", "not_a_time", ["25:00", "noon"], formats=("%I:%M %p",))
    zoned = dt.datetime(2024, 2, 3, 10, 11, tzinfo=UTC)
    good = dict.fromkeys(["03.02.2024 10:11Z", "03.02.2024 12:11+02:00", "03.02.2024 12:11+0200"], zoned)
    accepts("TIMESTAMPTZ", good, formats=("%d.%m.%Y %H:%M%z",))


@pytest.mark.parametrize(
    "pattern",
    ["%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%B %d, %Y", "%Y%m%d", "%d/%m/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M:%S %z"],
)  # fmt: skip
@given(st.lists(st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 30)), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_any_moment_comes_back_from_its_format(pattern, moments):
    timed = "%S" in pattern
    moments = [moment.replace(microsecond=0, tzinfo=UTC) for moment in moments]
    rows, rejects = typed(
        [moment.strftime(pattern) for moment in moments],
        column(
            "c", ("TIMESTAMPTZ" if "%z" in pattern else "TIMESTAMP") if timed else "DATE", formats=(pattern,)
        ),
    )
    assert rejects == []
    wanted = [m if "%z" in pattern else m.replace(tzinfo=None) if timed else m.date() for m in moments]
    assert [row["c"] for row in rows] == wanted
