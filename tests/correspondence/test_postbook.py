"""The post book: found by the message, whole or not at all, and never in the way of what leaves."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from correspondence.postbook import PostBook, PostEntry, Unreadable
from correspondence.samples import line, reminder
from domain.faults import ConfigurationFault
from domain.policy import Channel

NOW = datetime(2026, 10, 12, 9, 0, tzinfo=UTC)
ACCEPTED = {"fate": "accepted", "answer": "250", "answered_at": NOW + timedelta(seconds=1)}
PAGE = reminder("overdue", "fr", (line("F-1", 5, "1200.00"), line("F-2", -3, "80.50")))


def entry(**more: object) -> PostEntry:
    """Opens a page."""
    facts = {
        "message": str(uuid4()),
        "attempt": 1,
        "claim": "run/1/1",
        "reminder": PAGE,
        "channel": Channel.EMAIL,
        "evidence": "2026-10-12_F-1.eml",
        "sha256": "0" * 64,
        "digest": "1" * 64,
        "header": "<1@acme.example>",
        "prepared_at": NOW,
    }
    return PostEntry.model_validate(facts | more)


def test_an_entry_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """Everything that restores a message is there again, the whole reminder included."""
    book = PostBook(tmp_path)
    page = entry()
    assert book.find(page.message) is None
    book.write(page)
    assert PostBook(tmp_path).find(page.message) == page
    answered = page.model_copy(update=ACCEPTED)
    book.write(answered)
    assert book.find(page.message) == answered
    assert list(book.entries()) == [answered]


@pytest.mark.parametrize(
    ("fate", "may_have_left", "left"),
    [
        (None, True, False),
        ("unknown", True, False),
        ("accepted", True, True),
        ("refused", False, False),
        ("not_now", False, False),
    ],
)
def test_only_a_no_rules_out_that_it_left(fate: str | None, *, may_have_left: bool, left: bool) -> None:
    """A refusal and a deferral say that it did not leave, an acceptance that it did; silence says nothing."""
    page = entry(fate=fate)
    assert (page.may_have_left, page.left) == (may_have_left, left)


def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    """Cut short, empty, of another release or under another name: reported by name, without its content."""
    book = PostBook(tmp_path)
    pages = [entry() for _ in range(4)]
    files = []
    for page in pages:
        book.write(page)
        files.append(tmp_path / "postbook" / page.message[:2] / f"{page.message}.json")
    whole = files[0].read_text("utf-8")
    files[0].write_text(whole[: len(whole) // 2], "utf-8")
    files[1].write_bytes(b"")
    files[2].write_text(
        whole.replace(pages[0].message, pages[2].message).replace('"attempt":1', '"attempt":"x"')
    )
    files[3].write_text(whole, "utf-8")
    found = list(book.entries())
    assert {one.message for one in found if isinstance(one, Unreadable)} == {one.message for one in pages}
    assert "Durand" not in str(found)
    with pytest.raises(ConfigurationFault, match="put it back from a copy"):
        book.find(pages[0].message)


def test_the_newest_entries_come_first(tmp_path: Path) -> None:
    """Among more entries than are asked for, the one written last is always there, and first."""
    book = PostBook(tmp_path)
    pages = [entry() for _ in range(300)]
    begin = NOW.timestamp()
    for place, page in enumerate(pages):
        book.write(page)
        file = tmp_path / "postbook" / page.message[:2] / f"{page.message}.json"
        os.utime(file, (begin + place, begin + place))
        os.utime(file.parent, (begin + place, begin + place))
    newest = list(book.newest(5))
    assert newest[0] == pages[-1]
    assert len(newest) == 5
    since = NOW + timedelta(seconds=290)
    assert sorted(one.message for one in book.entries(since)) == sorted(one.message for one in pages[290:])


def test_a_draft_left_behind_is_no_entry(tmp_path: Path) -> None:
    """What a killed process had half written is neither found nor listed, and is overwritten in the end."""
    book = PostBook(tmp_path)
    page = entry()
    book.write(page)
    draft = tmp_path / "postbook" / page.message[:2] / f".{page.message}.json.{os.getpid()}"
    draft.write_text("{", "utf-8")
    assert list(book.entries()) == [page]
    book.write(page.model_copy(update=ACCEPTED))
    assert not draft.exists()


def test_only_an_id_names_a_file(tmp_path: Path) -> None:
    """A message that is not named by an id of ours leads to no file outside the book."""
    with pytest.raises(ValueError, match="badly formed"):
        PostBook(tmp_path).find("../../etc/passwd")
