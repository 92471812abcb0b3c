"""Which column `sluice infer` proposes as the key: what a person would choose who sees only this file."""

import pytest

from sluice.infer import propose
from sluice.readers import open_table

PEOPLE = ("Ann Lee", "Bo Ray", "Cy Fox", "Di Kim")
MANY = tuple(
    f"{first} {last}"
    for first in ["Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal"]
    for last in ["Lee", "Ray", "Fox", "Kim", "Poe", "Orr", "Day"]
)


@pytest.fixture
def proposed(write, tmp_path):
    """The proposal for columns of equal length, with the dataset's name."""

    def run(dataset, **columns):
        rows = [columns, *zip(*columns.values(), strict=True)]
        path = write("".join(";".join(map(str, row)) + "\n" for row in rows))
        return propose(open_table(path, work=tmp_path), dataset, tmp_path)

    return run


@pytest.mark.parametrize(
    ("dataset", "columns", "key"),
    [
        ("sales", {"customer": PEOPLE, "order": (1001, 1002, 1004, 1009), "amount": (5, 9, 2, 7)}, ("order",)),
        ("sales", {"nr": (1, 2, 3, 4), "customer": PEOPLE}, ("nr",)),
        ("sales", {"position": (7, 8, 9, 10), "customer": PEOPLE}, ("position",)),
        ("orders", {"customer_id": (7, 5, 1, 9), "order_no": ("A-1", "A-2", "A-5", "A-9")}, ("order_no",)),
        ("staff", {"name": PEOPLE, "personalnummer": (503, 119, 870, 222)}, ("personalnummer",)),
        ("clients", {"nom": PEOPLE, "id_client": (503, 119, 870, 222)}, ("id_client",)),
        ("items", {"order_id": (1, 1, 2, 2), "line_no": (1, 2, 1, 2), "thing": PEOPLE}, ("order_id", "line_no")),
        ("people", {"name": PEOPLE, "postal_code": (10115, 10117, 10119, 10178)}, ()),
        ("people", {"name": PEOPLE, "phone_number": ("030 111222", "030 111333", "030 111444", "030 111555")}, ()),
        ("hotels", {"name": PEOPLE, "no_of_rooms": (20, 21, 22, 23)}, ()),
        ("countries", {"rank": (1, 2, 3, 4), "country": PEOPLE}, ()),
        ("prices", {"amount": (101, 250, 377, 401), "customer": PEOPLE}, ()),
    ],
)  # fmt: skip
def test_the_key_of_a_small_file_needs_more_than_that_it_is_unique(proposed, dataset, columns, key):
    assert proposed(dataset, **columns).key == key


@pytest.mark.parametrize(
    ("dataset", "columns", "key"),
    [
        ("sales", {"customer": MANY, "order": range(1001, 1001 + len(MANY))}, ("order",)),
        ("staff", {"name": MANY, "badge": range(300, 300 + len(MANY))}, ("badge",)),
        ("countries", {"rank": range(1, 1 + len(MANY)), "country": MANY}, ("country",)),
        ("readings", {
            "sensor": [f"S{n % 2}" for n in range(56)],
            "timestamp": [f"2024-01-01T00:{n // 2:02}:00Z" for n in range(56)],
            "value": [n / 7 for n in range(56)],
        }, ("sensor", "timestamp")),
    ],
)  # fmt: skip
def test_in_a_longer_file_numbers_and_codes_come_before_texts(proposed, dataset, columns, key):
    assert proposed(dataset, **columns).key == key


def test_the_evidence_says_why_this_column(proposed):
    found = proposed("sales", position=(7, 8, 9, 10), customer=PEOPLE)
    assert (
        found.key_evidence == "position, whole numbers that count up, is unique and never empty in 4 records"
    )
    assert "by its name a key" in proposed("sales", nr=(9, 4, 1, 30), customer=PEOPLE).key_evidence
