"""Files of every kind, known by their content: taken, known again, refused with their reason."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.events import CreditorRegistered, DebtorRegistered
from domain.faults import NotAllowed
from intake.loading import load, retry
from intake.readers.files import Kind, recognise
from intake.reports import LoadReport
from ledger import accounts, desk
from ledger.bank import State
from tests.bank.conftest import SOURCE, Branch
from tests.domain import build
from tests.lifecycle import sample as lifecycle
from tests.readers_bank import samples as banks
from tests.readers_einvoice import samples as invoices

NOVEMBER = build.at("2026-11-23 12:00")
ACCOUNT = "FR76 3000 6000 0112 3456 7890 189"
FORMATS: dict[str, Callable[[], str]] = {
    "camt.xml": banks.camt053,
    "note.xml": banks.camt054,
    "cfonb.txt": banks.cfonb120,
    "swift.sta": banks.mt940,
    "money.ofx": banks.ofx,
    "export.csv": banks.sheet,
}

MAREE = invoices.CREDITOR.model_copy(update={"policy": "seed"})

only_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


class Inbox:
    """Puts files down and loads them."""

    def __init__(self, branch: Branch, folder: Path) -> None:
        """Takes a branch, and a folder for files and documents."""
        self.branch = branch
        self.folder = folder
        self.documents = folder / "documents"

    async def load(self, name: str, content: bytes | str, **more: Any) -> LoadReport:
        """Loads a file of some content."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return await load(
            self.branch.door,
            path,
            now=self.branch.now,
            documents=self.documents,
            **({"account": None} | more),
        )

    async def aside(self) -> list[desk.Quarantined]:
        """Lists what waits in quarantine."""
        async with self.branch.database.reading() as conn:
            return await desk.aside(conn)


@pytest_asyncio.fixture(loop_scope="session")
async def inbox(branch: Branch, tmp_path: Path) -> Inbox:
    """Gives an inbox on a day in November, of a creditor who declared its account."""
    branch.now = NOVEMBER
    await branch.admit(CreditorRegistered(creditor=build.creditor(policy="seed", banks=[SOURCE])))
    return Inbox(branch, tmp_path)


async def open_maree(inbox: Inbox) -> None:
    """Registers the company whose electronic invoices the samples are, and its customer."""
    await inbox.branch.admit(
        CreditorRegistered(creditor=invoices.CREDITOR.model_copy(update={"policy": "seed"}))
    )
    await inbox.branch.admit(DebtorRegistered(debtor=invoices.DEBTOR))


@pytest.mark.parametrize("name", FORMATS)
async def test_every_bank_format_is_taken_once(inbox: Inbox, name: str) -> None:
    """Three movements of each format come in; the same file again is known."""
    await inbox.branch.bill("F-2026-0117", total="1840.00", due="2026-12-20")
    content = FORMATS[name]()
    first = await inbox.load(name, content, account=ACCOUNT)
    assert (first.kind, first.refused) == ("statement", ())
    assert first.taken == sum(report.new for report in first.statements) == len(await inbox.branch.kept())
    assert first.taken >= 2
    assert {report.creditor for report in first.statements} == {"acme"}
    before = await inbox.branch.written()
    again = await inbox.load(name, content, account=ACCOUNT)
    assert (again.taken, again.known) == (0, first.taken)
    assert await inbox.branch.written() == before


async def test_a_number_in_the_text_books_the_invoice(inbox: Inbox) -> None:
    """The payer wrote the invoice's number, and the amount is what is open."""
    await inbox.branch.bill("F-2026-0117", total="1840.00", due="2026-12-20")
    report = await inbox.load("camt.xml", banks.camt053())
    [told] = report.statements
    assert (told.booked, told.not_ours, told.on_account) == (1, 1, 1)
    assert (told.booked_to, told.known_to) == (build.day("2026-11-20"), build.day("2026-11-20"))
    assert await inbox.branch.open("F-2026-0117") == "0.00"


async def test_an_export_without_an_account_waits_for_one(inbox: Inbox) -> None:
    """A bank's CSV that names no account is refused with what to type; typed, it settles what was kept."""
    content = banks.sheet()
    await inbox.load("export.csv", content)
    report = await inbox.load("export.csv", content)
    [refused] = report.refused
    assert refused.whole
    assert "--account" in refused.remedy
    [kept] = await inbox.aside()
    assert (kept.source, kept.id) == ("export.csv", refused.kept)
    assert kept.raw.startswith("sha256:")
    with pytest.raises(NotAllowed, match="whole file"):
        await retry(inbox.branch.door, kept.id, now=NOVEMBER)
    assert (await inbox.load("export.csv", content, account=ACCOUNT)).refused == ()
    assert await inbox.aside() == []


async def test_another_accounts_statement_stops_no_other(inbox: Inbox) -> None:
    """Of two statements in one file the one of a stranger's account is refused by its place."""
    body = banks.stmt(banks.ntry(banks.MOVEMENTS[0]), Decimal(0), Decimal(1840))
    theirs = body.replace(banks.IBAN, banks.OTHER_IBAN)
    report = await inbox.load("two.xml", banks.document(theirs, body))
    assert [one.account for one in report.statements] == [banks.IBAN]
    [refused] = report.refused
    assert (refused.field, refused.value) == ("statement 1: account", banks.OTHER_IBAN)


async def test_a_history_of_statements_in_one_file_leaves_no_gap(inbox: Inbox) -> None:
    """Three days of one account, the latest first: all are known, and nothing is said to be missing."""
    bodies = [
        banks.stmt(
            banks.ntry(banks.Movement(Decimal(10), on=build.day(f"2026-11-{day}"))),
            Decimal(10 * turn),
            Decimal(10 * turn + 10),
        ).replace(banks.CLOSED.isoformat(), f"2026-11-{day}")
        for turn, day in enumerate((16, 17, 18))
    ]
    report = await inbox.load("history.xml", banks.document(*reversed(bodies)))
    assert [told.known_to for told in report.statements] == [
        build.day(f"2026-11-{day}") for day in (18, 17, 16)
    ]
    assert [told.notes for told in report.statements] == [(), (), ()]
    assert (await inbox.load("history.xml", banks.document(*bodies))).known == 3


async def test_an_export_with_an_unreadable_row_makes_no_day_known(inbox: Inbox) -> None:
    """What could be read is booked; the row that could not may have been a payment, so no day counts."""
    content = banks.sheet().replace("99,05", "99,0x5")
    report = await inbox.load("export.csv", content, account=ACCOUNT)
    assert len(report.refused) == 1
    [told] = report.statements
    assert told.known_to is None
    assert told.entries == 2


async def test_payments_of_an_accounting_program_are_no_bank_file(inbox: Inbox) -> None:
    """A CSV of payments with references and invoices goes through the door, row by row."""
    await inbox.branch.bill("F-2026-001")
    rows = "payment reference;amount received;received on;invoice\nVIR-1;100,00;20/11/2026;F-2026-001\n"
    report = await inbox.load("payments.csv", rows, creditor="acme")
    assert (report.kind, report.taken) == ("events", 1)
    assert await inbox.branch.kept() == []


async def test_a_factur_x_is_taken_and_its_pdf_is_attached(inbox: Inbox) -> None:
    """The invoice comes in, its PDF lies in the documents folder under its number; again, nothing changes."""
    await open_maree(inbox)
    content = invoices.factur_x(invoices.cii(means=invoices.cii_means("30", "NL57RABO0107307510")))
    report = await inbox.load("invoice 7.pdf", content)
    assert (report.kind, report.taken, report.refused) == ("invoice", 1, ())
    assert ["not on file" in one.said("fr") for one in report.warnings] == [True]
    assert (inbox.documents / "F-2026-7.pdf").read_bytes() == content
    async with inbox.branch.database.reading() as conn:
        account = (await accounts.load(conn, "maree", "verger")).account
    assert account.case("F-2026-7").invoice.pdf == "F-2026-7.pdf"
    again = await inbox.load("the same.pdf", content)
    assert (again.taken, again.known, again.warnings) == (0, 1, ())
    assert [path.name for path in inbox.documents.iterdir()] == ["F-2026-7.pdf"]


async def test_a_document_is_never_replaced(inbox: Inbox) -> None:
    """Another document of the same name is left alone; the invoice's own gets a name of its own."""
    await open_maree(inbox)
    inbox.documents.mkdir()
    (inbox.documents / "F-2026-7.pdf").write_bytes(b"%PDF-1.4 somebody else's")
    content = invoices.factur_x(invoices.cii())
    await inbox.load("invoice.pdf", content)
    assert (inbox.documents / "F-2026-7.pdf").read_bytes() == b"%PDF-1.4 somebody else's"
    assert (inbox.documents / "F-2026-7-2.pdf").read_bytes() == content


async def test_the_pdf_may_come_after_the_data(inbox: Inbox) -> None:
    """An invoice taken in as XML gets its PDF from the Factur-X that comes later, and keeps it."""
    await open_maree(inbox)
    await inbox.load("first.xml", invoices.cii())
    report = await inbox.load("second.pdf", invoices.factur_x(invoices.cii()))
    assert (report.taken, report.refused) == (1, ())
    assert (await inbox.load("third.xml", invoices.cii())).known == 1
    async with inbox.branch.database.reading() as conn:
        account = (await accounts.load(conn, "maree", "verger")).account
    assert account.case("F-2026-7").invoice.pdf == "F-2026-7.pdf"


async def test_a_refused_invoice_leaves_no_document(inbox: Inbox) -> None:
    """An invoice that contradicts the record is refused whole: its PDF is not kept."""
    await open_maree(inbox)
    await inbox.load("first.xml", invoices.cii())
    other = invoices.factur_x(invoices.cii(total="240.00", due="240.00"))
    report = await inbox.load("second.pdf", other)
    assert [row.field for row in report.refused] == ["version"]
    assert not inbox.documents.exists() or list(inbox.documents.iterdir()) == []


async def test_an_unknown_buyer_becomes_a_customer(inbox: Inbox) -> None:
    """A buyer that is not on record is registered first, and that is said; nobody on record is replaced."""
    await inbox.branch.admit(
        CreditorRegistered(creditor=invoices.CREDITOR.model_copy(update={"policy": "seed"}))
    )
    report = await inbox.load("invoice.xml", invoices.cii())
    assert report.taken == 2
    assert any("is new" in note for note in report.notes)
    assert (await inbox.load("invoice.xml", invoices.cii())).known == 1


async def test_a_life_cycle_message_is_taken(inbox: Inbox) -> None:
    """A dispute reported by the buyer's platform suspends the invoice; the same message again is known."""
    await open_maree(inbox)
    await inbox.load("invoice.xml", invoices.cii())
    report = await inbox.load("cdv.xml", lifecycle.DISPUTED)
    assert (report.kind, report.taken, report.refused) == ("statuses", 1, ())
    assert (await inbox.load("cdv.xml", lifecycle.DISPUTED)).known == 1
    async with inbox.branch.database.reading() as conn:
        account = (await accounts.load(conn, "maree", "verger")).account
    assert account.suspended_on("F-2026-7", build.day("2026-03-10")) is not None or account.agreements


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.xml", b"<?xml version='1.0'?><catalogue/>", Kind.XML),
        ("a.xml", b"<rsm:CrossIndustryDocument xmlns:rsm='urn:ferd'/>", Kind.INVOICE),
        ("a.xml", banks.camt053().encode()[:900], Kind.STATEMENT),
        ("a.pdf", b"%PDF-1.4\n%%EOF", Kind.INVOICE),
        ("a.csv", b"PK\x03\x04", Kind.EVENTS),
        ("a.csv", b"", Kind.EVENTS),
    ],
)
async def test_what_cannot_be_read_is_refused_by_name(
    inbox: Inbox, name: str, content: bytes, kind: Kind
) -> None:
    """Unknown XML, an old ZUGFeRD, a file cut short, a PDF without XML: each a refusal with its reason."""
    report = await inbox.load(name, content)
    assert recognise(inbox.folder / name) is kind
    assert (report.taken, report.known, len(report.refused)) == (0, 0, 1)
    assert report.refused[0].whole
    assert report.refused[0].remedy


SAMPLES = [
    banks.camt053().encode(),
    banks.cfonb120().encode("latin-1"),
    banks.mt940().encode(),
    banks.ofx().encode(),
    banks.sheet().encode(),
    invoices.cii(),
    lifecycle.CASHED,
]


@only_sqlite
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sample=st.sampled_from(SAMPLES),
    cut=st.integers(0, 4000),
    patch=st.binary(max_size=6),
    name=st.sampled_from(["a", "a.csv", "a.xml", "a.json", "a.pdf"]),
)
async def test_no_file_brings_the_import_down(
    inbox: Inbox, sample: bytes, cut: int, patch: bytes, name: str
) -> None:
    """Files cut, patched and misnamed are taken or refused; nothing else ever comes of them."""
    place = cut % (len(sample) + 1)
    content = sample[:place] + patch + (sample[place + len(patch) :] if len(patch) % 2 else b"")
    report = await inbox.load(name, content, account=ACCOUNT)
    for row in report.refused:
        assert row.remedy
    kept = await inbox.branch.kept(State.BOOKED)
    assert len({one.payment for one in kept}) == len(kept)
