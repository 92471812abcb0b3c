"""What stands around a table: titles, comments, totals, other tables."""

from cases import ROWS, table, text

T = table()

CASES = [
    text(
        "preamble-title.csv",
        "A title stands above the header.",
        "Stock of the north shop\n" + T,
        skipped={"preamble": [1], "header": [2]},
    ),
    text(
        "preamble-title-and-blank-line.csv",
        "A title and a blank line stand above the header.",
        "Stock of the north shop\n\n" + T,
        skipped={"preamble": [1], "blank": [2], "header": [3]},
    ),
    text(
        "preamble-padded-title.csv",
        "A title filled up with empty cells, as spreadsheets write it.",
        "Stock of the north shop,,\n,,\n" + T,
        skipped={"preamble": [1, 2], "header": [3]},
    ),
    text(
        "preamble-metadata.csv",
        "Names and values in two cells stand above a wider table.",
        "Shop,North\nDate,2024-05-01\nUser,anna\n" + T,
        skipped={"preamble": [1, 2, 3], "header": [4]},
    ),
    text(
        "preamble-metadata-with-colons.csv",
        "Metadata lines with colons, one of them with commas.",
        "Shop: North\nExported: 2024-05-01 10:30\nColumns: name, qty, city, all as text\n\n" + T,
        skipped={"preamble": [1, 2, 3], "blank": [4], "header": [5]},
    ),
    text(
        "preamble-with-quotes.csv",
        "A title with quotes that are text.",
        'Stock of "North", a "shop"\n\n' + T,
        skipped={"preamble": [1], "blank": [2], "header": [3]},
    ),
    text(
        "preamble-with-an-unclosed-quote.csv",
        "A title with one quote only.",
        'Pipes of 5" and more\n\n' + T,
        skipped={"preamble": [1], "blank": [2], "header": [3]},
    ),
    text(
        "preamble-ruled.csv",
        "A line of equal signs below the title.",
        "STOCK\n=====\n" + T,
        skipped={"preamble": [1, 2], "header": [3]},
    ),
    text(
        "comments-above.csv",
        "Lines with # above the header.",
        "# stock, by shop\n# made 2024-05-01\n" + T,
        skipped={"comment": [1, 2], "header": [3]},
    ),
    text(
        "comments-between.csv",
        "Lines with # between records; one is as wide as a record.",
        "name,qty,city\nAnna,1,Rome\n# checked, twice, by Bo\nBo,20,Oslo\n# end of the north\nCy,3,Bern\n",
        skipped={"header": [1], "comment": [3, 5]},
    ),
    text(
        "comments-with-slashes.csv",
        "Lines with // are comments.",
        "// stock\n" + T + "// end\n",
        skipped={"comment": [1, 6], "header": [2]},
    ),
    text(
        "comments-with-semicolons.csv",
        "Lines with ; are comments in a file with commas.",
        "; stock\nname,qty,city\nAnna,1,Rome\n; half-way\nBo,20,Oslo\nCy,3,Bern\n",
        skipped={"comment": [1, 4], "header": [2]},
    ),
    text(
        "comment-mark-in-cells.csv",
        "Cells that begin with # are no comments.",
        "tag,qty,city\n#1,1,Rome\n#2,20,Oslo\n#3,3,Bern\n",
        header=("tag", "qty", "city"),
        rows=[("#1", "1", "Rome"), ("#2", "20", "Oslo"), ("#3", "3", "Bern")],
    ),
    text(
        "comment-mark-before-the-header.tsv",
        "The header's first name begins with #.",
        "#chrom\tstart\tend\nchr1\t100\t200\nchr2\t300\t400\n",
        header=("#chrom", "start", "end"),
        rows=[("chr1", "100", "200"), ("chr2", "300", "400")],
    ),
    text(
        "footer-total.csv",
        "A total follows a blank line, with fewer cells.",
        T + "\nTotal,24\n",
        skipped={"header": [1], "blank": [5], "footer": [6]},
    ),
    text(
        "footer-total-padded.csv",
        "A total as wide as the table follows a blank line.",
        T + "\nTotal,24,\n",
        skipped={"header": [1], "blank": [5], "footer": [6]},
    ),
    text(
        "footer-count.csv",
        "The number of records follows them.",
        T + "(3 rows)\n",
        skipped={"header": [1], "footer": [5]},
    ),
    text(
        "footer-note.csv",
        "A sentence with commas follows a blank line.",
        T + "\nSource: the shops' own lists, by day, without returns, as of May\n",
        skipped={"header": [1], "blank": [5], "footer": [6]},
    ),
    text(
        "footer-several-lines.csv",
        "A line of dashes, a total and a note follow.",
        T + "-----\nTotal,24\nNote: without returns\n",
        skipped={"header": [1], "footer": [5, 6, 7]},
    ),
    text(
        "preamble-and-footer.csv",
        "Title above, note below, blank lines between.",
        "Stock of the north shop\n\n" + T + "\nNote: without returns\n",
        skipped={"preamble": [1], "blank": [2, 7], "header": [3], "footer": [8]},
    ),
    text(
        "header-repeated.csv",
        "The header comes again on each page.",
        "name,qty,city\nAnna,1,Rome\nname,qty,city\nBo,20,Oslo\nname,qty,city\nCy,3,Bern\n",
        skipped={"header": [1, 3, 5]},
    ),
    text(
        "header-of-two-rows.csv",
        "Two header rows: groups above names.",
        "city,2023,,2024,\n,men,women,men,women\nRome,1,2,3,4\nOslo,5,6,7,8\nBern,9,10,11,12\n",
        header=("city", "2023 men", "2023 women", "2024 men", "2024 women"),
        skipped={"header": [1, 2]},
        warnings=[("lines 1 to 2",)],
        rows=[("Rome", "1", "2", "3", "4"), ("Oslo", "5", "6", "7", "8"), ("Bern", "9", "10", "11", "12")],
    ),
    text(
        "header-then-units.csv",
        "A row of units stands below the header: no record, and told.",
        "name,height,weight\n,cm,kg\nAnna,170,60\nBo,181,75\nCy,165,58\n",
        header=("name", "height", "weight"),
        skipped={"header": [1, 2]},
        warnings=[("cm, kg",)],
        rows=[("Anna", "170", "60"), ("Bo", "181", "75"), ("Cy", "165", "58")],
    ),
    text(
        "tables-two.csv",
        "Two tables with a blank line between them: the larger one is read.",
        T + "Dee,4,Riga\n\nshop,phone\nnorth,555-1\nsouth,555-2\n",
        rows=[*ROWS, ("Dee", "4", "Riga")],
        skipped={"header": [1], "blank": [6], "table": [7, 8, 9]},
        warnings=[("table", "7")],
    ),
    text(
        "tables-two-the-larger-below.csv",
        "Of two tables the second is the larger one.",
        "shop,phone\nnorth,555-1\nsouth,555-2\n\n" + T + "Dee,4,Riga\n",
        rows=[*ROWS, ("Dee", "4", "Riga")],
        skipped={"table": [1, 2, 3], "blank": [4], "header": [5]},
        warnings=[("table", "1")],
    ),
    text(
        "tables-three-with-titles.csv",
        "Three tables, each below its title; the one in the middle is the largest.",
        "Shops\nshop,phone\nnorth,555-1\n\nStock\n"
        + T
        + "\nStaff\nname,since,shop,boss\nAnna,2020,north,Bo\n",
        skipped={"table": [1, 2, 3, 11, 12, 13], "blank": [4, 10], "preamble": [5], "header": [6]},
        warnings=[("table",)],
    ),
]
