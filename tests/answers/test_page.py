"""The page over HTTP: what it shows, what it refuses, and that it tells of nobody else."""

import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from httpx2 import ASGITransport, AsyncClient, Response
from structlog.testing import capture_logs

from activities.links import links_of
from config.sections import Console, Folders
from config.settings import Settings
from console.answers.uploads import LARGEST
from console.application import build
from correspondence.links import Links
from domain.agreements import Dispute, HoldScope
from domain.faults import Unavailable
from domain.reminder import Reminder
from tests.console.desks import Alone
from tests.intake.conftest import CATALOGUE
from tests.mailbox.conftest import Office

PDF = b"%PDF-1.7\n" + b"x" * 100
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
JPEG = b"\xff\xd8\xff\xe0" + b"x" * 100
EVIL = "<script>alert(1)</script>{{ 7*7 }}%(day)s\"'>"
FORM = {
    "paid": {"amount": "100,00", "paid_on": "2026-04-01", "means": "transfer", "reference": "VIR-7"},
    "promise": {"pay_by": "2026-04-20"},
    "dispute": {"reason": "price", "text": "trop cher"},
    "instalments": {"count": "3", "first": "2026-04-15"},
    "contact": {"name": "Nadia Roux", "email": "nadia@dubois.example"},
    "missing": {},
}


@pytest.fixture
def database_kind() -> str:
    """Keeps these tests to one kind of database: what they write is tested on both elsewhere."""
    return "sqlite"


class Visitor:
    """Visits the page of Dubois, whose message of 2 April has left."""

    def __init__(self, post: Office, folder: Path) -> None:
        """Takes an office with a record, and where its settings lie."""
        console, key = {"public_url": "http://127.0.0.1"}, "s" * 32
        self.settings = Settings.model_validate(
            {"folders": Folders(var=folder / "var"), "console": console, "secret_key": key}
        )
        self.post = post
        office = Alone(self.settings, post.database, CATALOGUE, clock=lambda: post.now)
        self.app = build(office)
        self.client = AsyncClient(transport=ASGITransport(self.app), base_url="http://127.0.0.1")
        self.reminder: Reminder

    @property
    def links(self) -> Links:
        """Gives the links of the installation."""
        links = links_of(self.settings)
        assert links is not None
        return links

    @property
    def address(self) -> str:
        """Gives the address of the debtor's page."""
        return f"/a/{self.links.token(self.reminder)}"

    @property
    def kept(self) -> list[Path]:
        """Lists the files that debtors sent."""
        return sorted((self.settings.folders.documents / "answers").glob("*"))

    async def get(self, rest: str = "") -> Response:
        """Opens an address under the link."""
        return await self.client.get(self.address + rest)

    async def send(self, kind: str, **fields: Any) -> Response:
        """Sends a form that is filled in, about F-1, with some fields changed."""
        about = {} if kind == "contact" else {"invoices": "F-1"}
        files = {"file": fields.pop("file")} if "file" in fields else None
        stated = {name: value for name, value in (about | FORM[kind] | fields).items() if value is not None}
        return await self.client.post(f"{self.address}/{kind}", data=stated, files=files)


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(office: Office, tmp_path: Path) -> AsyncIterator[Visitor]:
    """Gives a visitor with a link; Temporal is away."""
    visitor = Visitor(office, tmp_path)
    visitor.reminder = await office.remind()
    async with visitor.client:
        yield visitor


async def test_a_statement_of_one_debtor(visitor: Visitor) -> None:
    """The page names the debtor's open invoices and how to pay them, and nothing of any other debtor."""
    await visitor.post.bill("F-9", debtor="martin")
    shown = await visitor.get()
    assert shown.status_code == 200
    for part in ("F-1", "Acme SAS", "Dubois SARL", "100,00", "compta@acme.example"):
        assert part in shown.text
    for other in ("F-2", "F-9", "artin"):
        assert other not in shown.text


async def test_every_answer_is_careful_with_the_link(visitor: Visitor) -> None:
    """Whatever is answered sets no cookie, is kept by nobody, and hands the address on to nobody."""
    for shown in (await visitor.get(), await visitor.get("/paid"), await visitor.client.get("/a/forged")):
        assert "set-cookie" not in shown.headers
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["cache-control"] == "no-store"
        assert "noindex" in shown.headers["x-robots-tag"]
        assert "script-src" not in shown.headers["content-security-policy"]
        assert "<script" not in shown.text


async def test_what_is_no_link_tells_nothing(visitor: Visitor) -> None:
    """Forged, cut, expired and unknown links show the same page, in both languages."""
    links, reminder = visitor.links, visitor.reminder
    token = links.token(reminder)
    nobody = reminder.model_copy(update={"debtor": reminder.debtor.model_copy(update={"id": "nobody"})})
    stranger = Links("http://127.0.0.1", (b"x" * 32,), 90)
    tokens = [
        token[:-1],
        f"{token}A",
        "forged",
        links.token(nobody),
        stranger.token(reminder),
        "%0d%0aX:%20y",
    ]
    pages = [await visitor.client.get(f"/a/{one}") for one in tokens]
    pages += [await visitor.client.post(f"/a/{one}/paid", data=FORM["paid"]) for one in tokens]
    pages += [await visitor.get("/unknown"), await visitor.get("/code?invoice=F-2")]
    visitor.post.now += timedelta(days=91)
    pages.append(await visitor.get())
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert 'lang="fr"' in pages[0].text
    assert not re.search("acme|dubois", pages[0].text, re.IGNORECASE)


async def test_no_public_address_no_page(office: Office, tmp_path: Path) -> None:
    """Where nobody said under which address Relance is reached, no link leads anywhere."""
    settings = Settings(folders=Folders(var=tmp_path), console=Console())
    app = build(Alone(settings, office.database, CATALOGUE, clock=lambda: office.now))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert (await client.get("/a/forged")).status_code == 404


async def test_the_debtors_language_and_the_other(visitor: Visitor) -> None:
    """The page speaks the debtor's language, and the other one where he chooses it, on every form."""
    assert '<html lang="fr">' in (await visitor.get()).text
    english = await visitor.get("?lang=en")
    assert "Your open invoices" in english.text
    assert f"{visitor.address}/paid?lang=en" in english.text
    sent = await visitor.client.post(f"{visitor.address}/missing?lang=en", data={"invoices": "F-1"})
    assert sent.headers["location"] == f"{visitor.address}?said=missing&lang=en"


@pytest.mark.parametrize("kind", FORM)
async def test_each_answer_is_thanked_for(visitor: Visitor, kind: str) -> None:
    """Each answer is taken, by the debtor's name, and thanked for with what comes next."""
    sent = await visitor.send(kind)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{visitor.address}?said={kind}")
    (entry,) = await visitor.post.entries("debtor.answered")
    assert (entry.facts["said"], entry.facts["author"]) == (kind, "debtor:dubois")
    thanked = await visitor.client.get(sent.headers["location"])
    assert 'role="status"' in thanked.text
    assert "Merci" in thanked.text
    again = await visitor.send(kind)
    assert again.status_code in {303, 422}
    assert len(await visitor.post.entries("debtor.answered")) == 1


async def test_the_page_says_what_was_answered(visitor: Visitor) -> None:
    """What was promised, contested or is looked at stands beside its invoice; no reason of a hold does."""
    await visitor.post.bill("F-8", due="2026-03-25")
    await visitor.send("paid", invoices="F-8")
    await visitor.send("dispute", amount="40,00")
    await visitor.send("promise", amount="60,00", pay_by="2026-04-20")
    text = (await visitor.get()).text
    assert "Nous examinons votre réponse" in text
    assert "contestés" in text
    assert "Vous paierez" in text
    assert "says the debtor" not in text


async def test_an_operators_hold_is_nobodys_business(visitor: Visitor) -> None:
    """A hold that people place for reasons of their own does not appear."""
    from domain.agreements import Hold  # noqa: PLC0415 - one use

    async with visitor.post.book() as book:
        today, secret = book.today, "waiting for the lawyer"
        hold = Hold(
            id="h", scope=HoldScope.DEBTOR, starts_on=today, until=today + timedelta(days=9), reason=secret
        )
        await book.place_hold(hold, "ann")
    assert "lawyer" not in (await visitor.get()).text


MISTAKES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("paid", {"amount": "12,345"}, "amount"),
    ("paid", {"amount": "-3"}, "amount"),
    ("paid", {"paid_on": "tomorrow"}, "paid_on"),
    ("paid", {"paid_on": "2026-04-03"}, "paid_on"),
    ("paid", {"invoices": "F-2"}, "invoices"),
    ("paid", {"invoices": None}, "invoices"),
    ("promise", {"pay_by": "2026-03-01"}, "pay_by"),
    ("promise", {"amount": "100,01"}, "amount"),
    ("dispute", {"text": ""}, "text"),
    ("dispute", {"text": "x" * 501}, "text"),
    ("dispute", {"text": "a\x00b"}, "text"),
    ("dispute", {"amount": "100,01"}, "amount"),
    ("instalments", {"count": "13"}, "count"),
    ("instalments", {"first": "2027-01-01"}, "first"),
    ("contact", {"name": ""}, "name"),
    ("contact", {"email": "nadia@"}, "email"),
    ("contact", {"email": "a@b.example\r\nBcc: c@d.example"}, "email"),
)


async def test_mistakes_stand_beside_their_field(visitor: Visitor) -> None:
    """What cannot be meant is said beside its field, what was typed stays, and nothing is written."""
    before = await visitor.post.written()
    for kind, fields, field in MISTAKES:
        sent = await visitor.send(kind, **fields)
        assert sent.status_code == 422, (kind, fields)
        assert f'id="{field}-mistake"' in sent.text, (kind, fields)
    kept = await visitor.send("contact", email="nadia@")
    assert 'value="Nadia Roux"' in kept.text
    assert await visitor.post.written() == before


async def test_hostile_words_stay_words(visitor: Visitor) -> None:
    """A debtor named like markup, a program or a header, and whatever he types, is shown as it is."""
    await visitor.post.take_debtor("dubois", legal_name=EVIL)
    await visitor.send("dispute", text=f"{EVIL}\r\nSet-Cookie: a=b")
    sent = await visitor.send("contact", name=EVIL, email="nadia@")
    for shown in (await visitor.get(), sent):
        assert "<script" not in shown.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}%(day)s" in shown.text
        assert "set-cookie" not in shown.headers
    (made,) = (await visitor.post.account()).agreements
    assert made.note == f"{EVIL} Set-Cookie: a=b"


@pytest.mark.parametrize(("content", "kind"), [(PDF, "pdf"), (PNG, "png"), (JPEG, "jpg")])
async def test_a_file_is_kept_by_what_it_is(visitor: Visitor, content: bytes, kind: str) -> None:
    """A PDF, JPEG or PNG is kept for its owner alone, under a name that says nothing."""
    sent = await visitor.send("dispute", file=("../../évil\r\n.exe", content, "text/html"))
    assert sent.status_code == 303
    (kept,) = visitor.kept
    assert (kept.read_bytes(), kept.suffix, kept.stat().st_mode & 0o777) == (content, f".{kind}", 0o600)
    (made,) = (await visitor.post.account()).agreements
    assert isinstance(made, Dispute)
    assert made.document == kept.name


async def test_files_that_are_not_taken(visitor: Visitor) -> None:
    """A file too large, of another kind or empty is refused beside its field; nothing is kept."""
    wrong = (b"<html><script>", b"MZ\x90", b"", b" %PDF-1.7", b"PK\x03\x04", PDF + b"x" * LARGEST)
    for content in wrong:
        sent = await visitor.send("dispute", file=("facture.pdf", content, "application/pdf"))
        assert sent.status_code == 422, content[:8]
        assert 'id="file-mistake"' in sent.text
        assert "trop cher" in sent.text
    assert visitor.kept == []
    assert (await visitor.post.account()).agreements == ()


async def test_a_refused_answer_keeps_no_file(visitor: Visitor) -> None:
    """The file of an answer that is refused is taken away again; that of one given twice is kept once."""
    file = ("f.pdf", PDF, "application/pdf")
    await visitor.send("dispute", amount="500,00", file=file)
    assert visitor.kept == []
    await visitor.send("dispute", file=file)
    await visitor.send("dispute", file=file)
    assert len(visitor.kept) == 1


async def test_the_body_is_bounded(visitor: Visitor) -> None:
    """A body beyond all limits is not even read."""
    sent = await visitor.send("dispute", file=("f.pdf", PDF + b"x" * (31 * 1024 * 1024), "application/pdf"))
    assert sent.status_code == 413
    assert visitor.kept == []


async def test_another_sites_form_is_refused(visitor: Visitor) -> None:
    """A form that another site posts is refused, whatever it says."""
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    sent = await visitor.client.post(f"{visitor.address}/missing", data={"invoices": "F-1"}, headers=headers)
    assert sent.status_code == 403
    assert await visitor.post.entries("debtor.answered") == []


async def test_opening_has_no_effect(visitor: Visitor) -> None:
    """Programs that look at links before people do change nothing: every effect is a form that is sent."""
    before = await visitor.post.written()
    for rest in ("", "?said=paid", *(f"/{kind}" for kind in FORM)):
        assert (await visitor.get(rest)).status_code == 200
    assert await visitor.post.written() == before


async def test_the_copy_of_an_invoice(visitor: Visitor) -> None:
    """The PDF of an open invoice can be downloaded where it is kept; no other file can be reached."""
    documents = visitor.settings.folders.documents
    documents.mkdir(parents=True)
    await visitor.post.bill("F-7", pdf="F-7.pdf")
    await visitor.post.bill("F-6", pdf="F-6.pdf", debtor="martin")
    assert (await visitor.get("/document?invoice=F-7")).status_code == 404
    for name in ("F-6.pdf", "F-7.pdf"):
        (documents / name).write_bytes(PDF)
    got = await visitor.get("/document?invoice=F-7")
    assert (got.content, got.headers["content-type"]) == (PDF, "application/pdf")
    assert got.headers["content-disposition"] == 'attachment; filename="F-7.pdf"'
    assert got.headers["cache-control"] == "no-store"
    for other in ("F-6", "F-1", "../F-6", "", "F-7.pdf"):
        assert (await visitor.get(f"/document?invoice={other}")).status_code == 404


async def test_the_code_pays_what_is_asked(visitor: Visitor) -> None:
    """The code of the transfer carries the account, the invoice's reference and what is left to pay."""
    import io  # noqa: PLC0415 - one use

    import zxingcpp  # noqa: PLC0415 - one use
    from PIL import Image  # noqa: PLC0415 - one use

    from domain.events import CreditorRegistered  # noqa: PLC0415 - one use
    from tests.domain import build as facts  # noqa: PLC0415 - one use

    known = facts.creditor(iban="FR7630006000011234567890189")
    await visitor.post.admit(CreditorRegistered(creditor=known))
    await visitor.send("dispute", amount="40,00")
    page = (await visitor.get()).text
    assert "FR76 3000 6000 0112 3456 7890 189" in page
    drawn = await visitor.get("/code?invoice=F-1")
    assert drawn.headers["content-type"] == "image/png"
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn.content)))
    assert "EUR60" in code.text
    assert code.text.splitlines()[-1] in page


async def test_too_many_answers(visitor: Visitor) -> None:
    """The eleventh answer of a day is declined politely."""
    for turn in range(10):
        assert (await visitor.send("contact", name=f"Somebody {turn}")).status_code == 303
    sent = await visitor.send("contact", name="Somebody else")
    assert sent.status_code == 422
    assert "dix fois" in sent.text


async def test_a_busy_record_is_told_politely(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the record cannot be reached, both languages say so, and neither page nor log tells the link."""

    def away() -> None:
        raise Unavailable(visitor.address)

    monkeypatch.setattr(visitor.post.database, "reading", away)
    with capture_logs() as logged:
        shown = await visitor.get()
    assert shown.status_code == 503
    assert visitor.address not in shown.text + str(logged)


async def test_no_link_is_logged(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a visit, nor an answer, nor a refusal leaves the link or the debtor's words in a log."""
    caplog.set_level(logging.DEBUG, logger="relance")
    token = visitor.address.removeprefix("/a/")
    with capture_logs() as logged:
        await visitor.get()
        await visitor.send("contact", name="Nadia Roux")
        await visitor.send("contact", name="Nadia Roux", email="nadia@")
        await visitor.client.get(f"{visitor.address}x")
    assert logged
    assert token not in str(logged) + caplog.text
    assert "Nadia" not in str(logged)
    (entry,) = await visitor.post.entries("debtor.answered")
    assert token not in entry.model_dump_json()
