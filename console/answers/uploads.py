"""Files that debtors send with a dispute: checked by what they are, kept under names that say nothing.

In: the kinds and the size that are taken, keeping a file, taking it away again.
Not in: showing them (files.py), which dispute they belong to (domain/agreements.py).
"""

import hashlib
from pathlib import Path
from uuid import UUID

from starlette.datastructures import UploadFile

from config.sections import Folders

LARGEST = 5 * 1024 * 1024
KINDS = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}
"""How the files that are taken begin; what a file calls itself counts for nothing."""

MEDIA = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}
FOLDER = "answers"


class TooLarge(Exception):
    """Says that a file is larger than what is taken."""


class WrongKind(Exception):
    """Says that a file is none of the kinds that are taken."""


async def content_of(file: UploadFile) -> bytes:
    """Reads a file that may be taken; raises TooLarge and WrongKind."""
    content = await file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise TooLarge
    if not any(content.startswith(magic) for magic in KINDS):
        raise WrongKind
    return content


def keep(folders: Folders, link: UUID, content: bytes) -> tuple[str, bool]:
    """Keeps a file, readable by its owner alone; gives its name, and whether it is new.

    The name follows from the link and the content, so that the same answer again names the same file.
    """
    kind = next(kind for magic, kind in KINDS.items() if content.startswith(magic))
    name = f"{hashlib.sha256(link.bytes + content).hexdigest()[:32]}.{kind}"
    path = place(folders, name)
    if path.exists():
        return name, False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{name}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(path)
    return name, True


def place(folders: Folders, name: str) -> Path:
    """Says where a file is kept; the name is one that `keep` gave."""
    return folders.documents / FOLDER / name
