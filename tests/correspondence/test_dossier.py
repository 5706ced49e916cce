"""The handoff folder: complete, checked, and written once."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from correspondence.dossier import Manifest, SentMessage, write_handoff
from correspondence.samples import samples
from domain.balance import Balance
from domain.faults import InputRefused, RecordBroken
from domain.policy import Channel
from domain.receivable import Invoice

EML = b"Subject: x\r\n\r\ny"
FILES = {"messages/1-D+2.eml": EML, "invoice.pdf": b"%PDF"}


def manifest(**changes: object) -> Manifest:
    """Makes the manifest of one invoice."""
    sample = samples("overdue", "fr")["one"]
    invoice = Invoice(
        creditor="atelier",
        number="F/2026 23",
        debtor="boulangerie",
        issue_date=date(2026, 9, 2),
        due_date=date(2026, 10, 2),
        total=Decimal("100.00"),
    )
    message = SentMessage(
        path="messages/1-D+2.eml",
        sha256=hashlib.sha256(EML).hexdigest(),
        step="D+2",
        channel=Channel.EMAIL,
        day=date(2026, 10, 5),
    )
    facts = {
        "key": "atelier:F/2026 23:handoff:1",
        "day": date(2026, 11, 9),
        "creditor": sample.creditor,
        "debtor": sample.debtor,
        "invoice": invoice,
        "balance": Balance(
            total=Decimal("100.00"), credited=Decimal("0.00"), paid=Decimal("30.00"), presumed=Decimal("0.00")
        ),
        "policy": "seed@0",
        "messages": (message,),
        "journal": ({"revision": 1, "kind": "invoice_created"},),
    }
    return Manifest.model_validate(facts | changes)


def test_folder_holds_everything(tmp_path: Path) -> None:
    """The folder holds the files and a manifest with invoice, balance, messages, journal and hashes."""
    folder = write_handoff(tmp_path / "handoffs", manifest(), FILES)
    assert folder.name.startswith("F-2026-23-")
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    written = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert written["open"] == "70.00"
    assert written["invoice"]["number"] == "F/2026 23"
    assert written["messages"][0]["sha256"] == hashlib.sha256(EML).hexdigest()
    assert written["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    assert written["journal"] == [{"revision": 1, "kind": "invoice_created"}]


def test_a_second_call_returns_the_first_folder(tmp_path: Path) -> None:
    """The same key is written once: a second call changes nothing and gives the same path."""
    first = write_handoff(tmp_path, manifest(), FILES)
    before = (first / "manifest.json").read_bytes()
    second = write_handoff(tmp_path, manifest(day=date(2026, 12, 1)), FILES)
    assert second == first
    assert (first / "manifest.json").read_bytes() == before
    assert list(tmp_path.iterdir()) == [first]


def test_writers_at_the_same_time_leave_one_folder(tmp_path: Path) -> None:
    """Eight writers at once leave one whole folder and no draft."""
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: write_handoff(tmp_path, manifest(), FILES), range(8)))
    assert len(paths) == 1
    assert list(tmp_path.iterdir()) == list(paths)


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    """A file that cannot be written leaves neither a folder nor a draft, and the next call succeeds."""
    with pytest.raises(OSError, match="File name too long"):
        write_handoff(tmp_path, manifest(), {**FILES, "x" * 300: b""})
    assert list(tmp_path.iterdir()) == []
    assert write_handoff(tmp_path, manifest(), FILES).is_dir()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "manifest.json", "", "..\\evil"])
def test_a_path_outside_is_refused(tmp_path: Path, name: str) -> None:
    """A file cannot be placed outside the folder, nor in the manifest's stead."""
    with pytest.raises(InputRefused, match="relative path inside"):
        write_handoff(tmp_path, manifest(), {**FILES, name: b""})


def test_an_altered_or_missing_message_is_refused(tmp_path: Path) -> None:
    """A message that is not the one on record, or is not there, stops the handoff."""
    with pytest.raises(RecordBroken, match="is not the message that is on record"):
        write_handoff(tmp_path, manifest(), {**FILES, "messages/1-D+2.eml": b"altered"})
    with pytest.raises(RecordBroken, match="its file is missing"):
        write_handoff(tmp_path, manifest(), {})
    assert list(tmp_path.iterdir()) == []
