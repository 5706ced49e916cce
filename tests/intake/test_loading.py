"""Whole files: one bad row stops no other, is kept, mended and loaded again."""

from pathlib import Path

import pytest

from domain.faults import InputRefused, NotAllowed, NotFound, Unavailable
from intake.admission import Status
from intake.door import Door
from intake.loading import load, retry
from ledger.database import Database
from tests.intake.conftest import CATALOGUE, NOON, Porter

HEADER = "number;debtor;issue date;due date;total"
GOOD = "F-1;dubois;2026-03-01;31/03/2026;100,00"
BAD = "F-2;dubois;2026-03-01;31/03/2026;cent"
STRANGER = "F-3;nobody;2026-03-01;31/03/2026;100,00"


def csv_of(folder: Path, *rows: str) -> Path:
    """Writes a file of invoices."""
    path = folder / "invoices.csv"
    path.write_text("\n".join((HEADER, *rows)), "utf-8")
    return path


async def test_one_bad_row_stops_no_other(porter: Porter, tmp_path: Path) -> None:
    """Good rows are taken, bad ones are reported by line, field, value and remedy, and kept."""
    path = csv_of(tmp_path, BAD, GOOD, STRANGER)
    seen: list[tuple[int, int]] = []
    report = await load(
        porter.door, path, now=NOON, creditor="acme", progress=lambda done, size: seen.append((done, size))
    )
    assert (report.source, report.taken, report.known, report.waiting) == ("invoices.csv", 1, 0, 0)
    assert [(row.line, row.field, row.value) for row in report.refused] == [
        (2, "total", "cent"),
        (4, "debtor", "nobody"),
    ]
    assert [row.raw for row in await porter.aside()] == [f"{HEADER}\n{BAD}", f"{HEADER}\n{STRANGER}"]
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)


async def test_the_same_file_twice_changes_nothing(porter: Porter, tmp_path: Path) -> None:
    """A file loaded again is all known, and its bad rows are not kept twice."""
    path = csv_of(tmp_path, BAD, GOOD, BAD)
    first = await load(porter.door, path, now=NOON, creditor="acme")
    before = await porter.written()
    again = await load(porter.door, path, now=NOON, creditor="acme")
    assert (again.taken, again.known, again.refused) == (0, 1, first.refused)
    assert await porter.written() == before
    assert len(await porter.aside()) == 1


async def test_a_kept_row_is_mended_and_loaded_again(porter: Porter, tmp_path: Path) -> None:
    """A mended row, with or without its header, is taken and leaves the quarantine."""
    await load(porter.door, csv_of(tmp_path, BAD), now=NOON, creditor="acme")
    [kept] = await porter.aside()
    with pytest.raises(InputRefused, match="total"):
        await retry(porter.door, kept.id, now=NOON)
    answer = await retry(porter.door, kept.id, BAD.replace("cent", "100,00"), now=NOON)
    assert (answer.status, answer.numbers) == (Status.TAKEN, ("F-2",))
    assert await porter.aside() == []
    with pytest.raises(NotAllowed, match="settled"):
        await retry(porter.door, kept.id, now=NOON)
    with pytest.raises(NotFound, match="no refused row"):
        await retry(porter.door, 10**6, now=NOON)


async def test_a_row_that_becomes_good_leaves_the_quarantine(porter: Porter, tmp_path: Path) -> None:
    """A row refused for an unknown debtor is taken, as it is, once the debtor is known."""
    path = csv_of(tmp_path, STRANGER)
    await load(porter.door, path, now=NOON, creditor="acme")
    await porter.take_debtor("nobody")
    report = await load(porter.door, path, now=NOON, creditor="acme")
    assert (report.taken, await porter.aside()) == (1, [])


async def test_a_row_mended_in_its_file_settles_the_kept_one(porter: Porter, tmp_path: Path) -> None:
    """The file with its line mended settles the kept row; another invoice on that line does not."""
    await load(porter.door, csv_of(tmp_path, BAD), now=NOON, creditor="acme")
    await load(porter.door, csv_of(tmp_path, GOOD), now=NOON, creditor="acme")
    assert len(await porter.aside()) == 1
    mended = csv_of(tmp_path, BAD.replace("cent", "100,00"))
    report = await load(porter.door, mended, now=NOON, creditor="acme")
    assert (report.taken, await porter.aside()) == (1, [])


async def test_a_waiting_payment_that_failed_is_mended_like_a_row(porter: Porter) -> None:
    """A payment set aside when its invoice came can be mended as JSON and loaded again."""
    await porter.pay(invoice="F-1", currency="USD")
    await porter.bill()
    [kept] = await porter.aside()
    answer = await retry(porter.door, kept.id, kept.raw.replace("USD", "EUR"), now=NOON)
    assert answer.what.endswith("recorded on F-1")


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_locked_database_is_unavailable(porter: Porter, database_url: str, tmp_path: Path) -> None:
    """While another program writes, loading says that the database is busy; afterwards it works."""
    path = csv_of(tmp_path, GOOD)
    async with await Database.open(database_url, patience=0.2) as other:
        door = Door(other, CATALOGUE)
        async with porter.database.writing():
            with pytest.raises(Unavailable):
                await load(door, path, now=NOON, creditor="acme")
        assert (await load(door, path, now=NOON, creditor="acme")).taken == 1
