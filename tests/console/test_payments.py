"""Payments in the console: files handed in, entries decided, money given, and what must not be possible.

In: pages over HTTP on both kinds of database; the dropping of a file in a real browser.
Not in: the rules that match money (tests/matching), the answers themselves (tests/bank).
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from httpx2 import AsyncClient
from playwright.async_api import expect

from console import uploads
from domain.events import CreditorRegistered, DebtorRegistered, InvoiceCreated
from intake.statements import take_statement
from ledger import bank, journal
from ledger.bank import Kept, State
from ledger.database import Database
from tests.bank.conftest import THEIRS, entry, statement
from tests.console import desks
from tests.console.desks import Desk
from tests.console.stage import Stage, billed, inspected
from tests.domain import build as facts
from tests.readers_bank import samples
from tests.readers_bank.samples import Movement

TILL = "BE68539007547034"
"""An account that no other test knows: the stage is for all of them."""

ACCOUNTS = {"acme": samples.IBAN, "beta": "FR1420041010050500013M02606"}
NOON = facts.at("2026-11-24 12:00")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database: Database, database_url: str, tmp_path: Path) -> Desk:
    """Opens a console on a fresh record of each kind: two creditors, each with an account and a customer."""
    found = desks.desk(database, tmp_path, NOON, database_url=database_url)
    for name, account in ACCOUNTS.items():
        bank = {"key": "main", "account": account, "owner": f"till@{name}.example", "file": "the camt.053"}
        creditor = facts.creditor(id=name, iban=account, policy="seed", banks=(bank,))
        known = facts.debtor(creditor=name, id="martin", legal_name="Martin & Fils SAS")
        await found.take(CreditorRegistered(creditor=creditor), DebtorRegistered(debtor=known))
    return found


@asynccontextmanager
async def seated(desk: Desk, role: str = "operator", **more: Any) -> AsyncIterator[AsyncClient]:
    """Seats somebody before pages that lead on to others."""
    async with desk.seat(role, **more) as client:
        client.follow_redirects = True
        yield client


async def bill(desk: Desk, number: str, total: str = "1840.00", creditor: str = "acme") -> None:
    """Bills Martin."""
    stated = {"creditor": creditor, "number": number, "debtor": "martin", "issue_date": "2026-10-20"}
    event = InvoiceCreated.model_validate(stated | {"due_date": "2026-11-19", "total": total})
    await desk.take(event)


def files(*contents: tuple[str, bytes | str]) -> list[tuple[str, tuple[str, bytes]]]:
    """Puts files into a form."""
    return [
        ("files", (name, content.encode() if isinstance(content, str) else content))
        for name, content in contents
    ]


async def asked(desk: Desk, **more: Any) -> Kept:
    """Lets the bank tell of money that names one customer's invoice and comes from nobody known."""
    await bill(desk, "F-1", "100.00")
    told = entry(on="2026-11-20", text="F 1", payer="J SMITH", payer_account=THEIRS, **more)
    await take_statement(desk.office.database, statement(told), now=NOON, source="day.xml")
    return await only(desk)


async def only(desk: Desk) -> Kept:
    """Reads the one entry on record."""
    async with desk.office.database.reading() as conn:
        [kept] = await bank.listed(conn)
    return kept


async def answer(page: Any, kept: Kept, seen: str = "asked", **form: str) -> Any:
    """Gives an answer to an entry as its form does."""
    return await page.post(address(kept), data={"seen": seen} | form)


def address(kept: Kept) -> str:
    """Gives the page of an entry."""
    return f"/payments/entries/{kept.id}?of={kept.creditor}"


async def test_a_bank_file_is_read_booked_and_remembered(desk: Desk) -> None:
    """A file that is handed in books what is certain, says what it was, and stays in the history."""
    await bill(desk, "F-2026-0117")
    async with seated(desk) as page:
        shown = await page.post(uploads.ADDRESS, files=files(("../day 20.xml", samples.camt053())))
        assert shown.status_code == 200
        assert "<h1>day 20.xml" in shown.text
        assert "Payments are known up to 20 Nov 2026" in shown.text
        assert (await desk_state(desk, "1840.00")) is State.BOOKED
        again = await page.post(uploads.ADDRESS, files=files(("day 20.xml", samples.camt053())))
        assert "3 known already" in again.text
        assert (await page.get(uploads.ADDRESS)).text.count("day 20.xml</a>") == 2
    async with desk.office.database.reading() as conn:
        told = [one.facts for one in await journal.entries(conn, "acme", "") if one.kind == "file.taken"]
    assert [one["author"] for one in told] == ["operator@acme.example"] * 2


async def desk_state(desk: Desk, amount: str) -> State:
    """Tells what became of the entry of an amount."""
    async with desk.office.database.reading() as conn:
        return next(one.state for one in await bank.listed(conn) if one.entry.amount == Decimal(amount))


async def test_what_is_refused_says_where_and_what_to_do(desk: Desk) -> None:
    """A file that is nobody's, one that is no file of ours, and no file at all are each told so."""
    strange = samples.camt053().replace(samples.IBAN, samples.OTHER_IBAN)
    async with seated(desk) as page:
        sent = await page.post(uploads.ADDRESS, files=files(("a.xml", strange), ("b.pdf", b"%PDF-1.4 hello")))
        assert "2 files were read" in sent.text
        first, second = re.findall(r'href="(/payments/files/\d+\?of=)"', sent.text)[:2]
        assert "is a PDF" in (await page.get(first)).text + (await page.get(second)).text
        assert "no creditor has declared it" in (await page.get(first)).text + (await page.get(second)).text
        empty = await page.post(uploads.ADDRESS, data={"creditor": "acme"})
        assert (empty.status_code, "choose a file" in empty.text) == (422, True)


async def test_a_file_that_is_too_large_is_not_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit bytes are thrown away while they are read; the other files are taken."""
    monkeypatch.setattr(uploads, "LARGEST_FILE", 100_000)
    async with seated(desk) as page:
        sent = await page.post(
            uploads.ADDRESS, files=files(("large.xml", b"x" * 100_001), ("day.xml", samples.camt053()))
        )
        assert "large.xml" in sent.text
        assert "More than 25 MB" in sent.text
        assert sent.text.count("day.xml</a>") == 1
        many = await page.post(uploads.ADDRESS, files=files(*((f"{n}.csv", "x") for n in range(11))))
        assert (many.status_code, "at most 10 files" in many.text) == (422, True)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("relevé 3.xml", "relevé 3.xml"),
        ("../../etc/passwd", "passwd"),
        ("C:\\bank\\day.ofx", "day.ofx"),
        ("a\x00b\r\n<b>.csv", "a_b_b_.csv"),
        ("..", "file"),
        ("é" * 300 + ".xml", "é" * 98 + ".xml"),
    ],
)
def test_a_name_is_only_a_name(name: str, kept: str) -> None:
    """What a browser calls a file loses folders, strange characters and what is too long."""
    assert uploads.cleaned(name) == kept
    assert len(kept.encode()) <= uploads.LONGEST_NAME


async def test_nobody_hands_in_for_creditors_of_others(desk: Desk) -> None:
    """Whoever sees one creditor alone cannot feed in another's statement, invoices or bank details."""
    await bill(desk, "F-9", creditor="beta")
    theirs = samples.camt053().replace(samples.IBAN, "FR1420041010050500013M02606")
    rows = "creditor,number,debtor,issue date,due date,total\nbeta,F-10,martin,2026-11-01,2026-12-01,10.00\n"
    moved = CreditorRegistered(creditor=facts.creditor(id="acme", iban="FR1420041010050500013M02606"))
    async with seated(desk, creditors=("acme",)) as page:
        strange = await page.post(uploads.ADDRESS, files=files(("day.xml", theirs)))
        assert "is not an account of a creditor whose payments you may hand in" in strange.text
        assert (
            "is not one whose facts"
            in (await page.post(uploads.ADDRESS, files=files(("rows.csv", rows)))).text
        )
        changed = await page.post(uploads.ADDRESS, files=files(("a.json", moved.model_dump_json())))
        assert "only an administrator changes a creditor" in changed.text
    async with desk.office.database.reading() as conn:
        assert await bank.listed(conn) == []


async def test_roles_and_creditors_keep_strangers_out(desk: Desk) -> None:
    """A viewer decides nothing; an entry or a file of another creditor is not there."""
    kept = await asked(desk)
    async with seated(desk, "viewer") as page:
        assert (await page.get(address(kept))).status_code == 200
        assert (await answer(page, kept, answer="ignore", reason="x")).status_code == 403
        assert (await page.post(uploads.ADDRESS, files=files(("a.csv", "x")))).status_code == 403
    async with seated(desk, "manager", creditors=("beta",)) as page:
        assert (await page.get(address(kept))).status_code == 404
        assert (await page.get(f"/payments/entries/{kept.id}?of=beta")).status_code == 404
        assert "J SMITH" not in (await page.get("/payments")).text
        assert "J SMITH" not in (await page.get("/payments/entries")).text
        assert (await page.get("/payments/unallocated?of=acme&debtor=martin")).status_code == 404
    assert (await only(desk)).state is State.ASKED


async def test_a_proposal_is_confirmed_as_it_was_seen(desk: Desk) -> None:
    """One click books what was shown; a proposal that has changed since is not booked."""
    kept = await asked(desk)
    async with seated(desk) as page:
        shown = (await page.get("/payments")).text
        assert "F-1" in shown
        [stamp] = re.findall(r'name="stamp" value="([^"]+)"', shown)
        form = {"answer": "confirm", "place": "1", "stamp": stamp}
        changed = await answer(page, kept, **(form | {"stamp": "martin:F-1=1.00+0"}))
        assert (changed.status_code, "has changed since you looked" in changed.text) == (422, True)
        done = await answer(page, kept, **form)
        assert "Booked." in done.text
        assert (await only(desk)).resolved_by == "operator@acme.example"
        twice = await answer(page, kept, **form)
        assert (twice.status_code, "somebody has decided" in twice.text) == (422, True)


async def test_money_is_split_by_hand_and_undone(desk: Desk) -> None:
    """Each invoice gets its part; too much is said beside its field and keeps what was typed."""
    kept = await asked(desk)
    await bill(desk, "F-2", "30.00")
    async with seated(desk) as page:
        found = await page.get(address(kept) + "&who=F-2")
        assert "debtor=martin" in found.text
        form = {"answer": "give", "debtor": "martin", "amount:F-1": "60,00", "amount:F-2": "31.00"}
        wrong = await answer(page, kept, **form)
        assert wrong.status_code == 422
        assert "this invoice can take €30.00" in wrong.text
        assert 'value="60,00"' in wrong.text
        more = await answer(page, kept, **(form | {"amount:F-1": "90.00", "amount:F-2": "30.00"}))
        assert "€120.00 are given, and there are €100.00" in more.text
        nothing = await answer(page, kept, answer="give", debtor="martin")
        assert "give at least one" in nothing.text
        await answer(page, kept, **(form | {"amount:F-2": "30"}))
        assert await owed(desk) == {"F-1": "40.00", "F-2": "0.00"}
        unused = (await page.get("/payments/unallocated")).text
        assert "Martin &amp; Fils SAS" in unused
        assert "€10.00" in unused
        await answer(page, kept, "booked", **(form | {"amount:F-1": "100", "amount:F-2": "0"}))
        assert await owed(desk) == {"F-1": "0.00", "F-2": "30.00"}
        needed = await answer(page, kept, "booked", answer="undo", reason=" ")
        assert (needed.status_code, "this is needed" in needed.text) == (422, True)
        await answer(page, kept, "booked", answer="undo", reason="it was another's")
        assert await owed(desk) == {"F-1": "100.00", "F-2": "30.00"}


async def owed(desk: Desk) -> dict[str, str]:
    """Reads what Martin owes on each invoice."""
    async with desk.office.book("acme", "martin", NOON) as book:
        numbers = [case.invoice.number for case in book.account.cases]
        return {number: f"{book.account.balance(number).open:.2f}" for number in numbers}


async def test_money_is_left_on_account_set_aside_and_allocated(desk: Desk) -> None:
    """Money for no invoice waits under its customer, and is given from there; what is nobody's goes aside."""
    kept = await asked(desk)
    async with seated(desk) as page:
        await answer(page, kept, answer="ignore", reason="a loan")
        assert (await only(desk)).state is State.NOT_OURS
        await answer(page, kept, "not_ours", answer="undo", reason="no loan")
        await answer(page, kept, answer="on-account", debtor="martin")
        assert (await only(desk)).state is State.ON_ACCOUNT
        payment = (await only(desk)).payment
        there = await page.get(f"/payments/money?of=acme&payment={payment}")
        assert there.url.path == f"/payments/entries/{kept.id}"
        given = {"answer": "give", "debtor": "martin", "amount:F-1": "100.00"}
        assert "Booked." in (await answer(page, kept, "on_account", **given)).text
        assert "All money has found its invoices" in (await page.get("/payments/unallocated")).text


async def test_entries_are_searched_and_paged(desk: Desk) -> None:
    """Entries are found by payer, text, amount or state; what cannot be a filter is left out."""
    told = [entry(f"{n}.50", on="2026-11-20", text=f"order {n}", payer="Zoé") for n in range(1, 61)]
    await take_statement(desk.office.database, statement(*told), now=NOON, source="day.xml")
    async with seated(desk) as page:
        first, second = await page.get("/payments/entries"), await page.get("/payments/entries?after=1")
        assert (rows(first.text), rows(second.text)) == (50, 10)
        assert rows((await page.get("/payments/entries?q=order+33")).text) == 1
        assert rows((await page.get("/payments/entries?q=17,50")).text) == 1
        assert rows((await page.get("/payments/entries?q=Zoé&since=2026-11-21")).text) == 0
        assert (
            rows((await page.get("/payments/entries?state=nonsense&since=soon&until=2026-11-20")).text) == 50
        )
        assert rows((await page.get("/payments/entries?state=booked")).text) == 0


def rows(text: str) -> int:
    """Counts the rows of a table."""
    return text.count('<th scope="row">')


async def test_stale_accounts_say_whom_to_ask(desk: Desk) -> None:
    """An account without its file says so and whom to ask; a person's word lets its days count as known."""
    async with seated(desk) as page:
        shown = (await page.get("/payments")).text
        assert "Ask till@acme.example for: the camt.053." in shown
        form = {"account": samples.IBAN, "to": "2026-11-24", "reason": "seen in the portal"}
        refused = await page.post("/payments/accounts/complete", data=form)
        assert (refused.status_code, "is not over" in refused.text) == (422, True)
        known = await page.post("/payments/accounts/complete", data=form | {"to": "2026-11-23"})
        assert "Payments are known up to 23 Nov 2026" in known.text
    async with seated(desk, "manager", creditors=("beta",)) as page:
        assert (await page.post("/payments/accounts/complete", data=form)).status_code == 404


async def test_hostile_names_are_only_text(desk: Desk) -> None:
    """What a payer or a file calls itself is shown as text on every page."""
    kept = await asked(desk)
    evil = '<img src=x onerror="alert(1)">'
    told = entry("7.77", on="2026-11-20", text=evil, payer=evil)
    await take_statement(desk.office.database, statement(told), now=NOON, source=evil)
    async with seated(desk) as page:
        for place in ("/payments", "/payments/entries", address(kept)):
            assert "<img src=x" not in (await page.get(place)).text


async def test_a_file_dropped_in_the_browser_is_decided_with_the_keyboard(stage: Stage) -> None:
    """Files are dropped, what they brought is shown, and the proposal is confirmed by the keyboard alone."""
    day = stage.today
    till = {"id": "till", "legal_name": "Till SAS", "policy": "seed", "iban": TILL}
    events = (
        CreditorRegistered(creditor=facts.creditor(**till)),
        DebtorRegistered(debtor=facts.debtor(creditor="till", id="martin", legal_name="Martin & Fils SAS")),
        billed("till", "DROP-77", "martin", {"issue_date": day, "due_date": day, "total": "431.17"}),
    )
    for event in events:
        await stage.office.admit(event, stage.now, "test")
    content = written(day, Movement(Decimal("431.17"), on=day, text="no 77", payer="J SMITH", reference="B7"))
    async with stage.seat() as page:
        await page.goto("/payments")
        await inspected(page, "payments")
        await page.get_by_label("Drop files here").set_input_files(
            {"name": "day.xml", "mimeType": "text/xml", "buffer": content.encode()}
        )
        await expect(page.get_by_role("heading", name="day.xml")).to_be_visible()
        await inspected(page, "payments-file")
        await page.get_by_role("link", name="Decide what waits").click()
        confirm = page.get_by_role("button", name="Confirm Martin & Fils SAS")
        await confirm.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("Booked.")
    async with stage.seat(language="fr", width=390, dark=True) as page:
        for name in ("", "/entries", "/unallocated", "/files"):
            await page.goto(f"/payments{name}")
            await inspected(page, f"payments-phone{name.replace('/', '-')}")
        await page.goto("/payments/entries?q=431,17")
        await page.get_by_role("link", name="J SMITH").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("affectée")
        await inspected(page, "payments-entry-phone")


def written(day: date, movement: Movement) -> str:
    """Writes a statement of one day."""
    opened, closed = samples.OPENED, samples.CLOSED
    content = samples.camt053((movement,)).replace(samples.IBAN, TILL)
    return content.replace(opened.isoformat(), day.isoformat()).replace(closed.isoformat(), day.isoformat())
