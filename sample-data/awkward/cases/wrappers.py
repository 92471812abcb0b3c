"""Packed files: gzip, zstd, bzip2, xz, zip, and one in another."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile

from cases import Case, refused, table

PLAIN = table().encode()
STAMP = (2024, 5, 1, 12, 0, 0)


def zipped(*members: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive, the same bytes each time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, STAMP), content, how)
    return out.getvalue()


def gzipped(content: bytes) -> bytes:
    """Level 0: the same bytes with any zlib."""
    return gzip.compress(content, 0, mtime=0)


def zstd(content: bytes) -> bytes:
    """A frame of one raw block: magic, one byte that says what follows, the size, the block's head."""
    return (
        struct.pack("<LBL", 0xFD2FB528, 0xA0, len(content))
        + struct.pack("<L", 1 | len(content) << 3)[:3]
        + content
    )


def link(name: str, target: str) -> bytes:
    """A zip archive whose only member is a symbolic link."""
    info = zipfile.ZipInfo(name, STAMP)
    info.external_attr = 0o120777 << 16
    info.create_system = 3
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, target)
    return out.getvalue()


def locked(content: bytes) -> bytes:
    """The same zip archive, its members marked as encrypted."""
    changed = bytearray(content)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(magic) + offset
        changed[place] |= 1
    return bytes(changed)


def packed(name: str, defect: str, content: bytes, *wrappers: str, **more: object) -> Case:
    """The usual table, packed."""
    return Case(
        name, defect, content, skipped={"header": [1]}, lines=4, details={"wrappers": list(wrappers)}, **more
    )


CASES = [
    packed("gzip.csv.gz", "Packed by gzip.", gzipped(PLAIN), "gzip"),
    packed("gzip-named-csv.csv", "Packed by gzip, named .csv.", gzipped(PLAIN), "gzip"),
    packed(
        "gzip-two-members.csv.gz",
        "Two gzip files were joined into one.",
        gzipped(PLAIN[:20]) + gzipped(PLAIN[20:]),
        "gzip",
    ),
    packed("bzip2.csv.bz2", "Packed by bzip2.", bz2.compress(PLAIN), "bzip2"),
    packed("xz.csv.xz", "Packed by xz.", lzma.compress(PLAIN), "xz"),
    packed("zstd.csv.zst", "Packed by zstd.", zstd(PLAIN), "zstd"),
    packed("zip.zip", "A zip archive of one table.", zipped(("stock.csv", PLAIN)), "zip"),
    packed(
        "zip-beside-clutter.zip",
        "What a Mac puts beside the table does not count.",
        zipped(
            ("stock/", b""),
            ("stock/stock.csv", PLAIN),
            ("__MACOSX/stock/._stock.csv", b"\0\5\x16\7" * 9),
            ("stock/.DS_Store", b"\0"),
        ),
        "zip",
    ),
    packed(
        "zip-beside-a-readme.zip",
        "A note beside the table is left out, and named.",
        zipped(("README.txt", b"Stock of the shops.\n"), ("stock.csv", PLAIN)),
        "zip",
        warnings=(("README.txt",),),
    ),
    packed(
        "zip-with-climbing-name.zip",
        "The member's name would lead out of the folder; it is never used.",
        zipped(("../../../stock.csv", PLAIN)),
        "zip",
    ),
    packed(
        "gzip-in-zip.zip",
        "A packed file in a zip archive.",
        zipped(("stock.csv.gz", gzipped(PLAIN))),
        "zip",
        "gzip",
    ),
    packed(
        "zip-in-gzip.zip.gz",
        "A zip archive packed by gzip.",
        gzipped(zipped(("stock.csv", PLAIN))),
        "gzip",
        "zip",
    ),
    refused(
        "zip-two-tables.zip",
        "Two tables: one must be named.",
        zipped(("a.csv", PLAIN), ("b.csv", PLAIN)),
        "2 files",
        "a.csv",
        "member",
    ),
    refused("zip-empty.zip", "A zip archive without members.", zipped(), "zip", "without a file"),
    refused(
        "zip-link.zip",
        "The only member is a link to another file.",
        link("stock.csv", "/etc/passwd"),
        "without a file",
    ),
    refused(
        "zip-encrypted.zip", "The member is encrypted.", locked(zipped(("stock.csv", PLAIN))), "encrypted"
    ),
    refused("zip-cut-off.zip", "The archive is cut off.", zipped(("stock.csv", PLAIN))[:-40], "cut off"),
    refused("gzip-cut-off.csv.gz", "The packed file is cut off.", gzipped(PLAIN)[:-12], "too early"),
    refused(
        "gzip-wrong-checksum.csv.gz",
        "The unpacked bytes do not fit the checksum.",
        gzipped(PLAIN).replace(b"Rome", b"Roma"),
        "damaged",
    ),
    refused(
        "packed-three-times.csv.gz.gz.gz",
        "Packed three times.",
        gzipped(gzipped(gzipped(PLAIN))),
        "more than twice",
    ),
    refused("bomb.csv.bz2", "150 MB in 150 bytes.", bz2.compress(b"x" * 150_000_000), "times its size"),
    refused(
        "line-of-60-mb.csv.bz2", "One line of 60 MB.", bz2.compress(b"x" * 60_000_000), "first line", "longer"
    ),
    refused(
        "tar.tar",
        "A tar archive.",
        b"stock.csv".ljust(100, b"\0")
        + b"0000644\0"
        + b"0000000\0" * 2
        + b"00000000064\0"
        + b"00000000000\0"
        + b"010422\0 "
        + b"0".ljust(100, b"\0")
        + b"ustar\x0000"
        + b"\0" * 247
        + PLAIN.ljust(1536, b"\0"),
        "tar",
    ),
    refused("seven-zip.7z", "A 7-Zip archive.", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(range(64)), "7-Zip"),
    refused("rar.rar", "A RAR archive.", b"Rar!\x1a\7\1\0" + bytes(range(64)), "RAR"),
]
