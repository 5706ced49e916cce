"""From bytes to lines: the encoding, the limits, and what is no text at all.

In: files and strings as numbered lines.
Not in: what the lines mean (json_rows.py, csv_rows.py).
"""

import codecs
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from domain.faults import InputRefused

LARGEST_FILE = 200_000_000
"""The largest file that is read, in bytes."""

LONGEST_LINE = 1_000_000
"""The longest line, or event, that is read, in characters."""

CHUNK = 1 << 20

KNOWN_BINARIES = {
    b"%PDF": "is a PDF; give the invoice's data as JSON or CSV",
    b"PK\x03\x04": "is a spreadsheet or another archive; save it as CSV (UTF-8) first",
    b"\xd0\xcf\x11\xe0": "is an old spreadsheet; save it as CSV (UTF-8) first",
    b"\x1f\x8b": "is compressed; unpack it first",
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
}


@dataclass(frozen=True)
class Line:
    """Holds one line without its end; `text` is None where it is too long. `end` counts characters."""

    number: int
    text: str | None
    end: int


class Source:
    """Gives a text as lines or as a whole."""

    def __init__(self, name: str, size: int) -> None:
        """Takes the name by which the source is known and its size in bytes."""
        self.name = name
        self.size = size
        self.note: str | None = None

    @classmethod
    def of_text(cls, text: str, name: str) -> "Source":
        """Makes a source of a string; raises InputRefused for an empty one."""
        if not text.strip():
            raise InputRefused(field="file", value=name, remedy="is empty; give at least one event")
        return _Given(text, name)

    @classmethod
    def of_file(cls, path: Path) -> "Source":
        """Looks a file through once; raises InputRefused for one that is no text or too large."""
        return _File(path, _checked_size(path))

    def open(self) -> TextIO:
        """Opens the text, its line ends made uniform."""
        raise NotImplementedError

    def whole(self) -> str:
        """Reads the text at once."""
        with self.open() as stream:
            return stream.read()

    def lines(self) -> Iterator[Line]:
        """Yields the lines, one at a time."""
        number = end = 0
        with self.open() as stream:
            while text := stream.readline(LONGEST_LINE + 1):
                number += 1
                end += len(text)
                kept: str | None = text.removesuffix("\n")
                while len(text) > LONGEST_LINE and not text.endswith("\n"):
                    text, kept = stream.readline(LONGEST_LINE + 1), None
                    end += len(text)
                yield Line(number, kept, end)


class _Given(Source):
    def __init__(self, text: str, name: str) -> None:
        super().__init__(name, len(text.encode("utf-8", "replace")))
        self._text = text

    def open(self) -> TextIO:
        return io.StringIO(self._text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"), newline=None)


class _File(Source):
    def __init__(self, path: Path, size: int) -> None:
        super().__init__(path.name, size)
        self._path = path
        self._encoding = _encoding(path)
        if self._encoding == "cp1252":
            self.note = "the file is not UTF-8; it was read as Windows-1252: check the accents"

    def open(self) -> TextIO:
        return self._path.open(encoding=self._encoding, newline=None)


def _checked_size(path: Path) -> int:
    try:
        if not path.is_file():
            remedy = "is a folder; name a file" if path.is_dir() else "does not exist; check its name"
            raise InputRefused(field="file", value=path.name, remedy=remedy)
        size = path.stat().st_size
        readable = os.access(path, os.R_OK)
    except (OSError, ValueError) as fault:
        raise InputRefused(
            field="file", value=path.name, remedy="cannot be opened; check its name and its rights"
        ) from fault
    if not readable:
        raise InputRefused(
            field="file", value=path.name, remedy="may not be read; give this user the right to read it"
        )
    if size > LARGEST_FILE:
        raise InputRefused(
            field="file",
            value=path.name,
            remedy=f"has {size / 1e6:.0f} MB, more than {LARGEST_FILE / 1e6:.0f}; split it",
        )
    return size


def _encoding(path: Path) -> str:
    """Finds the encoding: UTF-8, else Windows-1252; raises InputRefused for what is no text."""
    utf8, cp1252 = (codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252"))
    is_utf8 = is_cp1252 = True
    blank = True
    with path.open("rb") as stream:
        head = stream.read(4)
        for magic, remedy in KNOWN_BINARIES.items():
            if head.startswith(magic):
                raise InputRefused(field="file", value=path.name, remedy=remedy)
        stream.seek(0)
        while chunk := stream.read(CHUNK):
            if b"\0" in chunk:
                remedy = "is binary and of no kind that is read; give JSON, CSV, an e-invoice, a bank file"
                raise InputRefused(field="file", value=path.name, remedy=remedy)
            blank = blank and not chunk.removeprefix(codecs.BOM_UTF8).strip()
            is_utf8 = is_utf8 and _decodes(utf8, chunk)
            is_cp1252 = is_cp1252 and _decodes(cp1252, chunk)
    if blank:
        raise InputRefused(field="file", value=path.name, remedy="is empty; give at least one event")
    if is_utf8 and _decodes(utf8, b"", final=True):
        return "utf-8-sig"
    if is_cp1252:
        return "cp1252"
    raise InputRefused(
        field="file", value=path.name, remedy="is neither UTF-8 nor Windows-1252; save it as UTF-8"
    )


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True
