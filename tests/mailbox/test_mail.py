"""Mails as they are read: their kinds, what they answer, what in them is new, and any bytes at all."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.sections import HERE
from correspondence.email import message_id, render_email, to_mime
from correspondence.wording import Wording
from intake.mailbox.replies import LONGEST_REPLY
from intake.readers.mail import LARGEST, MailKind, read
from tests.domain import build
from tests.mailbox import samples
from tests.mailbox.samples import DEBTOR, KEY, OURS, base64, mail, parts, recipient, reply, report

MEGABYTE = 1_000_000
MULTIPART = 'multipart/mixed; boundary="b"'
ACME = "<compta@acme.example>"
AMONG = "That was paid.\nNot F-2."
SAID = "Payé à l'échéance"
IN_HTML = "Payé à\n l'&eacute;ch&#233;ance"


def test_a_reply_names_what_it_answers() -> None:
    """A reply is known by its headers: whom it is from, what it answers first, and when it was written."""
    found = read(reply())
    assert found.kind is MailKind.REPLY
    assert found.answers == (OURS, "<first@x.example>")
    assert found.keys == (KEY,)
    assert (found.sender, found.subject, found.text) == (DEBTOR, "Re: Facture F-1", "Bonjour, c'est payé.")
    assert found.dated == build.at("2026-03-02 11:30")
    assert found.message_id == samples.REPLY_ID


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822", "message/global-headers"])
def test_a_report_names_the_message_it_is_about(kind: str) -> None:
    """Whatever part a report gives our message back in, it is known by its Message-ID and our key."""
    found = read(report(kind=kind))
    assert found.kind is MailKind.BOUNCE
    assert (found.answers, found.keys) == ((OURS,), (KEY,))
    (one,) = found.recipients
    assert (one.addresses, one.action, one.status) == ((DEBTOR,), "failed", "5.1.1")


def test_a_reminder_as_it_left_is_known_again() -> None:
    """The bytes that leave, given back whole by a server, lead to the reminder that they were."""
    rules = build.policy(build.step("first", 2, message="overdue"))
    owed = build.account(rules, build.invoice("F-1", "2026-03-31"))
    reminder = build.reminder(owed, "F-1", rules, "2026-04-02 10:00")
    email = render_email(reminder, Wording.load(HERE / "wording"))
    sent = to_mime(email, message_id=message_id(reminder), sent_at=build.at("2026-04-02 10:00"))
    found = read(report(returned=sent.decode(), kind="message/rfc822"))
    assert found.answers == (message_id(reminder),)
    assert found.keys == (str(reminder.id),)


@pytest.mark.parametrize(
    ("groups", "kind"),
    [
        ([recipient("5.1.1")], MailKind.BOUNCE),
        ([recipient("4.4.7")], MailKind.BOUNCE),
        ([recipient("4.4.1", "delayed")], MailKind.DELAYED),
        ([recipient("4.4.1", "delayed"), recipient("5.1.1")], MailKind.BOUNCE),
        ([recipient("2.1.5", "delivered")], MailKind.AUTO_REPLY),
        ([recipient("2.1.5", "relayed (to a server without reports)")], MailKind.AUTO_REPLY),
        (["X-Nothing: said"], MailKind.BOUNCE),
    ],
)
def test_a_report_is_read_by_its_worst_news(groups: list[str], kind: MailKind) -> None:
    """One recipient not reached is a bounce, whatever became of the others; success asks for nothing."""
    assert read(report(*groups)).kind is kind


@pytest.mark.parametrize(
    ("status", "diagnostic", "read_as", "soft", "blames"),
    [
        ("5.1.1", "", "5.1.1", False, True),
        ("5.1.1 (bad destination mailbox address)", "", "5.1.1", False, True),
        ("5.1.10", "", "5.1.10", False, True),
        ("5.0.0", "550 5.1.1 <x@y>: user unknown", "5.1.1", False, True),
        ("5.0.0", "550 no such user", "5.0.0", False, True),
        ("", "550 no such user", "5.0.0", False, True),
        ("5.2.1", "", "5.2.1", False, True),
        ("5.4.1", "", "5.4.1", False, True),
        ("5.2.2", "552 5.2.2 mailbox full", "5.2.2", False, False),
        ("5.7.1", "550 5.7.1 rejected as spam", "5.7.1", False, False),
        ("5.7.26", "", "5.7.26", False, False),
        ("5.0.0", "550 5.7.1 rejected, see 10.5.1.1", "5.7.1", False, False),
        ("5.1.8", "", "5.1.8", False, False),
        ("5.3.4", "", "5.3.4", False, False),
        ("4.2.2", "", "4.2.2", True, False),
        ("4.0.0", "451 later, or 550 5.1.1 one day", "4.0.0", True, False),
        ("", "", "", False, False),
        ("nonsense", "250 fine", "2.0.0", False, False),
    ],
)
def test_a_status_says_what_was_refused(
    status: str, diagnostic: str, read_as: str, *, soft: bool, blames: bool
) -> None:
    """Only a refusal for good that speaks of the recipient's address blames the address."""
    (one,) = read(report(recipient(status, diagnostic=diagnostic))).recipients
    assert (one.status, one.is_soft, one.blames_address) == (read_as, soft, blames)


def test_a_forwarded_recipient_has_two_addresses() -> None:
    """A report names the address written to and the one it was forwarded to."""
    final = "Final-Recipient: rfc822; "
    forwarded = recipient().replace(f"{final}{DEBTOR}", f"{final}<p@home.example>")
    (one,) = read(report(forwarded)).recipients
    assert one.addresses == (DEBTOR, "p@home.example")


def test_a_bounce_in_words_is_known_by_our_message_id() -> None:
    """A mail server of old that explains itself in words gives our message back: a bounce of no address."""
    found = read(samples.qmail())
    assert (found.kind, found.answers, found.keys, found.recipients) == (MailKind.BOUNCE, (OURS,), (KEY,), ())
    assert read(samples.qmail(subject="Warning: message delayed 24 hours")).kind is MailKind.DELAYED


def test_a_postmaster_who_speaks_of_nothing_of_ours_is_a_person() -> None:
    """A word of a postmaster's that gives no message of ours back is for people to read."""
    found = read(mail("Our server moves tomorrow.\n", From="postmaster@dubois.example"))
    assert found.kind is MailKind.REPLY


def test_our_message_id_alone_makes_no_bounce() -> None:
    """A debtor who quotes the header fields of our message has still written a reply."""
    assert read(reply(f"Voici :\n{samples.original()}")).kind is MailKind.REPLY


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; owner-email=x@y.example"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "absent"},
        {"Return_Path": "<>"},
        {"Precedence": "auto_reply"},
        {"Precedence": "Bulk"},
        {"Content_Type": 'multipart/report; report-type=disposition-notification; boundary="b"'},
    ],
)
def test_a_program_says_that_it_is_one(fields: dict[str, str]) -> None:
    """Automatic answers and receipts are known by what they say of themselves, and are no replies."""
    assert read(reply(**fields)).kind is MailKind.AUTO_REPLY


@pytest.mark.parametrize("fields", [{"Auto_Submitted": "no"}, {"Precedence": "list"}, {"List_Id": "<a.b>"}])
def test_a_person_is_not_taken_for_a_program(fields: dict[str, str]) -> None:
    """A reply that reached us by a mailing list is still a reply."""
    assert read(reply(**fields)).kind is MailKind.REPLY


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"no header at all",
        mail(From=""),
        mail(Content_Type='multipart/report; report-type=feedback-report; boundary="b"'),
    ],
)
def test_a_mail_that_says_too_little_is_unknown(data: bytes) -> None:
    """What neither answers anything nor has a sender, and a complaint, is for a person to look at."""
    assert read(data).kind is MailKind.UNKNOWN


@pytest.mark.parametrize(
    ("written", "new"),
    [
        (f"Payé.\n\nLe lun. 2 mars 2026 à 10:00, Acme {ACME} a écrit :\n> Bonjour\n> F-1\n", "Payé."),
        (f"Payé.\n\nLe 2 mars 2026 à 10:00, Acme\n{ACME} a\nécrit\xa0:\n\n> Bonjour\n", "Payé."),
        ("Paid.\n\nOn Mon, 2 Mar 2026 at 10:00, Acme SAS wrote:\n> Dear\n>> Madam\n", "Paid."),
        ("On 2 Mar 2026, A wrote:\n> F-1 is due\nThat was paid.\n> F-2 too\nNot F-2.\n", AMONG),
        ("On 2 Mar 2026, Acme wrote:\n\nDear Madam\n", "On 2 Mar 2026, Acme wrote:\n\nDear Madam"),
        ("Paid.\n\n-----Original Message-----\nFrom: Acme\n\nDear Madam\n", "Paid."),
        ("Payé.\n-----Message d'origine-----\nDe : Acme\n", "Payé."),
        ("Payé.\n\n____________________\nDe : Acme\nEnvoyé : lundi\n\nBonjour\n", "Payé."),
        (f"Payé.\n\nDe : Acme {ACME}\nEnvoyé : lundi 2 mars\nObjet : F-1\n\nBonjour\n", "Payé."),
        ("Le client a écrit :\nnous paierons le 5.\n", "Le client a écrit :\nnous paierons le 5."),
        ("De : rien.\nÀ bientôt\n", "De : rien.\nÀ bientôt"),
        ("\n\nA\n\n\n\n\nB   \n", "A\n\nB"),
        ("> all\n> quoted\n", "> all\n> quoted"),
    ],
)
def test_what_is_new_in_a_reply(written: str, new: str) -> None:
    """Quotations are cut by the marks of the usual programs; where nothing would be left, all is kept."""
    assert read(reply(written)).text == new


@pytest.mark.parametrize(
    "body",
    [
        parts(("text/plain", SAID), ("text/html", "<p>no")),
        parts(
            ("text/plain", " "),
            ("text/html; charset=utf-8", f"<style>p {{}}</style><p>{IN_HTML}</p><!-- -->"),
        ),
        parts(("text/plain\nContent-Disposition: attachment", "no"), ("text/html", f"<div>{SAID}<br></div>")),
        f"--b\nContent-Type: text/plain\n\n{SAID}\n",
    ],
)
def test_a_text_is_found_among_the_parts(body: str) -> None:
    """Plain text is read before HTML, and nothing that is attached; a last part may be cut off."""
    assert read(reply(body, Content_Type=MULTIPART)).text == SAID


@pytest.mark.parametrize(
    ("charset", "encoding", "body"),
    [
        ("utf-8", "8bit", SAID),
        ('"UTF-8"', "BASE64", base64(SAID)),
        ("iso-8859-1", "quoted-printable", "Pay=E9 =E0 l'=E9ch=\n=E9ance"),
        ("utf-16", "base64", base64(SAID, "utf-16")),
        ("no-such-thing", "7bit", SAID),
        ("punycode", "7bit", SAID),
        ("", "", SAID.encode("cp1252")),
    ],
)
def test_a_text_is_decoded(charset: str, encoding: str, body: str | bytes) -> None:
    """A text is read in its own encoding, in UTF-8 or in Windows-1252, whichever makes sense."""
    fields = {"Content_Type": f"text/plain; charset={charset}", "Content_Transfer_Encoding": encoding}
    assert read(mail(body, **fields)).text == SAID


def test_what_is_new_in_html_is_cut_as_in_text() -> None:
    """A reply in HTML alone loses its quotation too."""
    quoted = "<div>Le 2 mars 2026, &lt;a@b.example&gt; a écrit :<br></div><blockquote>Bonjour</blockquote>"
    assert read(reply(f"<p>Payé.</p>{quoted}", Content_Type="text/html; charset=utf-8")).text == "Payé."


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        ("=?utf-8?Q?R=C3=A9p_:_F-1?=", "Rép : F-1"),
        (
            "=?utf-8?B?UsOpcA==?=\r\n =?iso-8859-1?q?_F-1_?= and =?utf-8?q?broken",
            "Rép F-1 and =?utf-8?q?broken",
        ),
        ("=?no-such?b?UsOpcA?=", "Rép"),
        ("a\r\n\tb\x00c", "a bc"),
        ("x" * 9000, "x" * 500),
    ],
)
def test_a_subject_is_decoded(written: str, subject: str) -> None:
    """Encoded words are read as they are meant, and what is no word stays."""
    assert read(reply(Subject=written)).subject == subject


@pytest.mark.parametrize(
    ("written", "sender"),
    [
        ('"Dubois, Paul" <Factures@Dubois.example>', DEBTOR),
        ("=?utf-8?q?Dubois=2C_Paul?= <factures@dubois.example>", DEBTOR),
        ('"boss@acme.example <boss@acme.example>" <factures@dubois.example>', DEBTOR),
        ("factures@dubois.example (Paul)", DEBTOR),
        ("nobody", None),
        ("(" * 9000, None),
    ],
)
def test_a_sender_is_an_address(written: str, sender: str | None) -> None:
    """The sender is the address in the last brackets, whatever names stand before it."""
    assert read(reply(From=written)).sender == sender


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Mar 2026", "9" * 5000, "31 Dec 9999 23:00:00 -2300"]
)
def test_an_odd_date_is_none(date: str) -> None:
    """A date that is none does not matter."""
    assert read(reply(Date=date)).dated is None


def test_a_long_text_is_cut() -> None:
    """Of a text 4,000 characters are kept."""
    assert len(read(reply("mot " * 50_000)).text) == LONGEST_REPLY - 1


def test_of_a_huge_mail_the_header_fields_are_read() -> None:
    """A mail above 10 MiB is known by its header fields; its text is not looked at."""
    found = read(reply("x" * (LARGEST + 1)))
    assert (found.kind, found.answers[0], found.text) == (MailKind.REPLY, OURS, "")


NESTED = b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n'
HOSTILE = {
    "empty lines": b"\n" * (10 * MEGABYTE),
    "fields": b"a: b\n" * (2 * MEGABYTE),
    "parts in parts": b"".join(NESTED % (number, number) for number in range(3000)),
    "parts": NESTED % (1, 1) + b"--1\n" * (2 * MEGABYTE),
    "elements": b"Content-Type: text/html\n\n" + b"<div>" * (2 * MEGABYTE),
    "styles": b"Content-Type: text/html\n\n" + b"<style>" * MEGABYTE,
    "entities": b"Content-Type: text/html\n\n<!DOCTYPE x [<!ENTITY a 'aa'>]>" + b"&a;" * MEGABYTE,
    "attributions": b"From: a@b.example\n\n" + b"Le 1 a\n" * MEGABYTE,
    "words": b"Subject: " + b"=?utf-8?q?" * MEGABYTE,
    "groups": b"Content-Type: message/delivery-status\n\n" + b"Status: 5.1.1\n\n" * 300_000,
    "ids": b"From: mailer-daemon@x.example\n\n" + f"<{KEY}@".encode() * 200_000,
    "punycode": b"Content-Type: text/plain; charset=punycode\n\n" + b"ab" * MEGABYTE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_mail_takes_long(name: str) -> None:
    """Mails made to keep a reader busy are read in a moment."""
    began = time.monotonic()
    read(HOSTILE[name])
    assert time.monotonic() - began < 5


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_any_bytes_are_read(data: bytes) -> None:
    """Any bytes make a mail that the record can hold, the same one each time."""
    found = read(data)
    assert found == read(data)
    found.model_dump_json().encode()
    assert "\0" not in found.text + found.subject + (found.sender or "") + (found.message_id or "")


WHOLE = [
    reply("Payé.\n\nLe 2 mars 2026, Acme a écrit :\n> x\n", Subject="=?utf-8?q?F=2D1?="),
    report(),
    report(kind="message/rfc822"),
    samples.qmail(),
    reply(parts(("text/plain", "a"), ("text/html", "<p>b</p>")), Content_Type=MULTIPART),
]


@settings(max_examples=120, deadline=None)
@given(
    data=st.sampled_from(WHOLE),
    cut=st.integers(0, 2000),
    places=st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4)), max_size=8),
)
def test_damaged_mails_are_read(data: bytes, cut: int, places: list[tuple[int, bytes]]) -> None:
    """A mail cut off or altered anywhere is still read, and never blames an address that it did not name."""
    for place, put in places:
        data = data[:place] + put + data[place + len(put) :]
    found = read(data[: len(data) - cut] if cut < len(data) else data)
    found.model_dump_json().encode()
    for one in found.recipients:
        assert all(address in data.decode("latin-1") or not address.isascii() for address in one.addresses)
