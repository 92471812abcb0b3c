"""The header: missing, doubled, empty, long, of numbers; and tables of one column, row or cell."""

from cases import ROWS, table, text

LONG = "how many pieces of this article stood on the shelf " * 6
ONE = {"skipped": {"header": [1]}}

CASES = [
    text(
        "header-missing.csv",
        "No header: the first row is typed like the others.",
        "Anna,1,2024-01-02\nBo,20,2024-01-03\nCy,3,2024-01-04\n",
        header=("column_1", "column_2", "column_3"),
        skipped={},
        rows=[("Anna", "1", "2024-01-02"), ("Bo", "20", "2024-01-03"), ("Cy", "3", "2024-01-04")],
    ),
    text(
        "header-missing-numbers-only.csv",
        "No header: all cells are numbers.",
        "1.5,20,31\n2.25,7,12\n9.0,14,3\n",
        header=("column_1", "column_2", "column_3"),
        skipped={},
        rows=[("1.5", "20", "31"), ("2.25", "7", "12"), ("9.0", "14", "3")],
    ),
    text(
        "header-of-years.csv",
        "Years are names of columns.",
        "city,2019,2020,2021\nRome,1,2,3\nOslo,4,5,6\n",
        header=("city", "2019", "2020", "2021"),
        rows=[("Rome", "1", "2", "3"), ("Oslo", "4", "5", "6")],
    ),
    text(
        "header-doubled-name.csv",
        "Two columns have one name.",
        "name,qty,qty\nAnna,1,2\nBo,20,30\n",
        header=("name", "qty", "qty"),
        rows=[("Anna", "1", "2"), ("Bo", "20", "30")],
    ),
    text(
        "header-names-differ-by-case.csv",
        "Two names differ by case only.",
        "Name,qty,name\nAnna,1,Lee\nBo,20,Ray\n",
        header=("Name", "qty", "name"),
        rows=[("Anna", "1", "Lee"), ("Bo", "20", "Ray")],
    ),
    text(
        "header-empty-name.csv",
        "One name is empty.",
        "name,,city\nAnna,1,Rome\nBo,20,Oslo\nCy,3,Bern\n",
        header=("name", "", "city"),
    ),
    text(
        "header-first-name-empty.csv",
        "The first name is empty, as pandas writes its index.",
        ",name,qty\n0,Anna,1\n1,Bo,20\n",
        header=("", "name", "qty"),
        rows=[("0", "Anna", "1"), ("1", "Bo", "20")],
    ),
    text(
        "header-over-long.csv",
        "One name has 300 characters.",
        f"name,{LONG.strip()},city\n" + table(rows=ROWS),
        header=("name", LONG.strip(), "city"),
    ),
    text(
        "header-with-spaces.csv",
        "Spaces around names are kept.",
        " name ,qty , city\nAnna,1,Rome\nBo,20,Oslo\nCy,3,Bern\n",
        header=(" name ", "qty ", " city"),
    ),
    text(
        "header-with-line-ends.csv",
        "Names in quotes hold line ends.",
        '"name\nof article","qty\n(pieces)",city\nAnna,1,Rome\nBo,20,Oslo\nCy,3,Bern\n',
        header=("name\nof article", "qty\n(pieces)", "city"),
        skipped={"header": [1, 2, 3]},
    ),
    text(
        "header-with-delimiters.csv",
        "A name in quotes holds the delimiter.",
        'name,"qty, pieces",city\nAnna,1,Rome\nBo,20,Oslo\nCy,3,Bern\n',
        header=("name", "qty, pieces", "city"),
    ),
    text(
        "header-with-signs.csv",
        "Names with signs, quotes, umlauts and emoji.",
        'näme,"q""ty","a;b|c"\nAnna,1,Rome\nBo,20,Oslo\nCy,3,Bern\n',
        header=("näme", 'q"ty', "a;b|c"),
    ),
    text("header-alone.csv", "A header and no record.", "name,qty,city\n", rows=[]),
    text("header-alone-without-line-end.csv", "A header, no record, no line end.", "name,qty,city", rows=[]),
    text(
        "header-of-reserved-words.csv",
        "Names that a database would misread.",
        "select,from,ctid\nAnna,1,Rome\nBo,20,Oslo\nCy,3,Bern\n",
        header=("select", "from", "ctid"),
    ),
    text(
        "column-single.csv",
        "One column.",
        "city\nRome\nOslo\nBern\n",
        header=("city",),
        rows=[("Rome",), ("Oslo",), ("Bern",)],
    ),
    text(
        "column-single-of-sentences.txt",
        "One column of sentences with commas.",
        "remark\nHello, world\nfine\nred, green, blue\nNot today; perhaps tomorrow\n",
        header=("remark",),
        warnings=[("header",)],
        rows=[("Hello, world",), ("fine",), ("red, green, blue",), ("Not today; perhaps tomorrow",)],
    ),
    text(
        "column-single-of-numbers.txt",
        "One column of numbers without a header.",
        "12\n7\n150\n",
        header=("column_1",),
        skipped={},
        rows=[("12",), ("7",), ("150",)],
    ),
    text(
        "column-single-with-empty-cells.csv",
        "One column with an empty cell in quotes and a blank line.",
        'city\nRome\n""\n\nBern\n',
        header=("city",),
        rows=[("Rome",), ("",), ("Bern",)],
        skipped={"header": [1], "blank": [4]},
    ),
    text("row-single.csv", "A header and one record.", "name,qty,city\nAnna,1,Rome\n", rows=ROWS[:1]),
    text(
        "row-single-without-header.csv",
        "One record of numbers and no header.",
        "17,2024-05-01,3.50\n",
        header=("column_1", "column_2", "column_3"),
        skipped={},
        rows=[("17", "2024-05-01", "3.50")],
    ),
    text("cell-single.csv", "One word: a header without records.", "city\n", header=("city",), rows=[]),
]
