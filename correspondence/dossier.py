"""The handoff: one folder with all that a recovery agency needs, written once.

In: the manifest, the files it names, their hashes, the atomic writing of the folder.
Not in: who is handed what and when (domain/gate.py), and how the folder reaches the agency.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import Field

from domain.balance import Balance
from domain.fact import Fact, Instant
from domain.faults import InputRefused, RecordBroken
from domain.policy import Channel
from domain.receivable import Creditor, Debtor, Invoice

MANIFEST = "manifest.json"


class SentMessage(Fact):
    """Names a message as it left: its file in the folder, and the hash on record since that day."""

    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    step: str
    channel: Channel
    day: date
    sent_at: Instant | None = None


class Manifest(Fact):
    """Says what is handed over; `key` is the invoice, its step and its cycle, and is handed over once.

    `journal` is the extract of the record that concerns the invoice, in its order.
    """

    key: str = Field(min_length=1)
    day: date
    creditor: Creditor
    debtor: Debtor
    invoice: Invoice
    balance: Balance
    policy: str
    messages: tuple[SentMessage, ...] = ()
    journal: tuple[dict[str, Any], ...] = ()

    @property
    def id(self) -> UUID:
        """Derives a stable identifier from the key."""
        return uuid5(NAMESPACE_URL, f"relance:handoff:{self.key}")

    @property
    def folder_name(self) -> str:
        """Names the folder: the invoice for people, the id for certainty."""
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", self.invoice.number).strip(".-")
        return f"{readable}-{self.id}"


def write_handoff(folder: Path, manifest: Manifest, files: Mapping[str, bytes]) -> Path:
    """Writes a handoff below `folder` and gives its path; one that is already there stays as it is.

    `files` are contents by their path inside the handoff. The folder appears whole or not at all, even
    if the machine stops in the middle. Raises InputRefused for a path that leads outside, RecordBroken
    where a message is missing or is not the one on record.
    """
    target = folder / manifest.folder_name
    if target.is_dir():
        return target
    for name in files:
        _check_path(name)
    _check_messages(manifest, files)
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".handoff-", dir=folder))
    try:
        for name, content in {**files, MANIFEST: _written(manifest, files)}.items():
            _write(draft / name, content)
        for path in [draft, *(inner for inner in draft.rglob("*") if inner.is_dir())]:
            _sync_folder(path)
        draft.chmod(0o755)
        _publish(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _sync_folder(folder)
    return target


def _check_path(name: str) -> None:
    path = PurePosixPath(name)
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or "\\" in name
        or str(path) in {".", MANIFEST}
    ):
        remedy = f"give a relative path inside the handoff, other than {MANIFEST}"
        raise InputRefused(field="files", value=name, remedy=remedy)


def _check_messages(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    for message in manifest.messages:
        content = files.get(message.path)
        if content is None:
            msg = f"handoff {manifest.key}: the message {message.path} is on record but its file is missing"
            raise RecordBroken(msg)
        if _sha256(content) != message.sha256:
            msg = f"handoff {manifest.key}: the file {message.path} is not the message that is on record"
            raise RecordBroken(msg)


def _written(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    balance = manifest.balance
    facts = manifest.model_dump(mode="json") | {
        "id": str(manifest.id),
        "open": f"{balance.open:.2f}",
        "asked": f"{balance.net:.2f}",
        "files": {name: _sha256(content) for name, content in sorted(files.items())},
    }
    return (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _publish(draft: Path, target: Path) -> None:
    """Renames the draft into place; another writer who was faster wins, with the same handoff."""
    try:
        draft.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
