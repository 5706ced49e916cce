"""Files that a browser sends: read piece by piece within limits, put where they can be taken in.

In: the limits, a parser that stops keeping what is too large, names that are safe to keep.
Not in: what becomes of a file (intake/uploads.py), the page (pages/files.py).

What a browser calls a file is never used to find one: it is cleaned and stands in a new folder of its own.
"""

import asyncio
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from console.forms import LONGEST_FIELD, Mistakes

ADDRESS = "/payments/files"
LARGEST_FILE = 25 * 1024 * 1024
MOST_FILES = 10
MOST_FIELDS = 20
LARGEST_BODY = MOST_FILES * LARGEST_FILE + 1024 * 1024

LONGEST_NAME = 200
"""In bytes: file systems take 255."""

LONGEST_END = 10
UNSAFE = re.compile(r"[^\w .,()+@=-]+")


class _Measured(MultiPartParser):
    """Keeps no more of a file than the limit; what follows is read and thrown away."""

    def __init__(self, request: Request) -> None:
        super().__init__(
            request.headers,
            request.stream(),
            max_files=MOST_FILES,
            max_fields=MOST_FIELDS,
            max_part_size=LONGEST_FIELD,
        )
        self.sizes: Counter[int] = Counter()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        file = self._current_part.file
        if file is not None:
            self.sizes[id(file)] += end - start
            if self.sizes[id(file)] > LARGEST_FILE:
                return
        super().on_part_data(data, start, end)


@dataclass(frozen=True)
class Sent:
    """Names a file that was sent; without a path it was too large to be kept."""

    name: str
    path: Path | None


async def received(request: Request, folder: Path) -> tuple[FormData, list[Sent]]:
    """Reads a posted form with its files into a folder; raises Mistakes where there is no file in it."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Mistakes({"files": "choose a file"}, {})
    parser = _Measured(request)
    try:
        form = await parser.parse()
    except MultiPartException as fault:
        many = fault.message.startswith("Too many files")
        raise Mistakes(
            {"files": "send at most 10 files at a time" if many else "send the form again"}, {}
        ) from None
    try:
        files = [one for one in form.getlist("files") if isinstance(one, UploadFile) and one.filename]
        if not files:
            raise Mistakes({"files": "choose a file"}, dict(_texts(form)))
        return form, [await _kept(one, parser.sizes[id(one)], folder / str(n)) for n, one in enumerate(files)]
    finally:
        await form.close()


def _texts(form: FormData) -> list[tuple[str, str]]:
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


async def _kept(file: UploadFile, size: int, folder: Path) -> Sent:
    name = cleaned(file.filename or "")
    if size > LARGEST_FILE:
        return Sent(name, None)

    def copy() -> Path:
        folder.mkdir()
        with (folder / name).open("xb") as target:
            shutil.copyfileobj(file.file, target)
        return folder / name

    return Sent(name, await asyncio.to_thread(copy))


def cleaned(name: str) -> str:
    """Makes of what a browser calls a file a plain name: no folders, no strange characters, not too long."""
    last = re.split(r"[/\\]", name)[-1]
    bare = UNSAFE.sub("_", last).strip(" .") or "file"
    stem, dot, end = bare.rpartition(".")
    stem, end = (stem, end) if len(end) < LONGEST_END else (bare, "")
    room = LONGEST_NAME - len((dot + end).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + (dot + end if end else "")
