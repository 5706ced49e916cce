"""What a message may say: every figure, date and name of a reminder, already written in its language.

In: the variables of the wording, the same for e-mail, letter and call script.
Not in: the sentences of a message (config/wording/), and how they are laid out (email.py, letter.py).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict

from correspondence.formats import country_name, enumeration, grouped, long_date, money, one_line, short_date
from correspondence.payment_code import PaymentCode, checked_iban, payment_code, reference_of
from domain.fact import ZERO, Fact
from domain.policy import Tone
from domain.receivable import PostalAddress
from domain.reminder import Reminder, ReminderLine

Medium = Literal["email", "letter", "call"]
Words = Mapping[str, str]
"""The labels and shared sentences of one language, from its words.toml."""

_LISTED = 4
_LISTED_OF_MANY = 3
_SIREN_DIGITS = 9


class Line(Fact):
    """States one invoice of the table; what is not known is empty.

    `disputed` says which part of what is open the debtor contests, and that it is not asked for.
    """

    number: str
    issued: str
    due: str
    total: str
    open: str
    disputed: str
    days_overdue: int
    order: str
    delivery: str


class Group(Fact):
    """Gathers the invoices of the message that are overdue, or those still to come.

    `refs` names them in a sentence: `facture n° F1`, or `factures n° F1, F2 et 3 autres`. `total` is what
    is asked for of them, before money received that no invoice has taken yet.
    """

    lines: tuple[Line, ...]
    several: bool
    refs: str
    first_due: str
    total: str


class Sender(Fact):
    """Names the creditor as a message does; what is not known is empty."""

    name: str
    address: tuple[str, ...]
    city: str
    identity: tuple[str, ...]
    email: str
    phone: str
    signatory: str
    agency: str


class Recipient(Fact):
    """Names the debtor as a message does; what is not known is empty."""

    name: str
    address: tuple[str, ...]
    attention: str
    phones: tuple[str, ...]


class HowToPay(Fact):
    """States the transfer that is asked for; without an IBAN the message points to the invoice."""

    beneficiary: str
    iban: str
    bic: str
    reference: str
    amount: str
    code: bool


class Statement(Fact):
    """Gives a wording all that it may print.

    `amount` is what is payable now: the overdue part where something is overdue, else all that is
    asked for. `asked` is the foot of the table. `link` is the page on which the debtor can answer. `link`,
    `received`, `deadline`, `known`, `crossed`, `earlier` and `upcoming_note` are empty where they do not
    apply. Spaces around a label are kept: French puts one before a colon.
    """

    model_config = ConfigDict(str_strip_whitespace=False)

    language: str
    day: str
    day_long: str
    creditor: Sender
    debtor: Recipient
    all: Group
    overdue: Group
    upcoming: Group
    mixed: bool
    received: str
    asked: str
    amount: str
    deadline: str
    days_late: int
    known_on: str
    known: str
    crossed: str
    contact: str
    law: str
    upcoming_note: str
    earlier: tuple[str, ...]
    pay: HowToPay
    link: str
    w: dict[str, str]


def payable_now(reminder: Reminder) -> Decimal:
    """Tells what is to be paid at once: what is overdue, or all where nothing is overdue yet.

    Money received without a destination counts for the oldest debt, so it comes off what is overdue.
    """
    overdue = _asked_of(reminder.overdue_lines) - reminder.received
    return overdue if reminder.overdue_lines and overdue > ZERO else reminder.asked


def _asked_of(lines: tuple[ReminderLine, ...]) -> Decimal:
    return sum((line.open - line.disputed for line in lines), ZERO)


def code_of(reminder: Reminder) -> PaymentCode | None:
    """Draws the payment code of a reminder; None where the creditor has no IBAN or it is not in euros."""
    creditor = reminder.creditor
    if creditor.iban is None:
        return None
    return payment_code(
        name=one_line(creditor.legal_name),
        iban=creditor.iban,
        amount=payable_now(reminder),
        currency=reminder.currency,
        reference=reference_of(reminder),
        bic=creditor.bic,
    )


def state(reminder: Reminder, words: Words, medium: Medium, link: str = "") -> Statement:
    """Writes out a reminder for one medium; raises KeyError for a sentence with an unknown placeholder."""
    language = reminder.language
    late = reminder.overdue_lines
    known_on = short_date(reminder.known_on, language)
    upcoming = _group(reminder, reminder.upcoming_lines, words)
    sender = _sender(reminder, words)
    mixed = bool(late and reminder.upcoming_lines)
    return Statement(
        language=language,
        day=short_date(reminder.day, language),
        day_long=long_date(reminder.day, language),
        creditor=sender,
        debtor=_recipient(reminder, words),
        all=_group(reminder, reminder.lines, words),
        overdue=_group(reminder, late, words),
        upcoming=upcoming,
        mixed=mixed,
        received=money(reminder.received, reminder.currency, language) if reminder.received > ZERO else "",
        asked=money(reminder.asked, reminder.currency, language),
        amount=money(payable_now(reminder), reminder.currency, language),
        deadline=short_date(reminder.deadline, language) if reminder.deadline else "",
        days_late=max((line.days_overdue for line in late), default=0),
        known_on=known_on,
        known=words["known"].format(known_on=known_on) if late else "",
        crossed=words[f"crossed_{medium}"] if late and medium != "call" else "",
        contact=_contact(sender, words, medium),
        law=words["law_fr" if reminder.creditor.country == "FR" else "law_other"],
        upcoming_note=_upcoming_note(upcoming, words) if mixed else "",
        earlier=_earlier(reminder, words),
        pay=_how_to_pay(reminder),
        link=link,
        w=dict(words),
    )


def _group(reminder: Reminder, lines: tuple[ReminderLine, ...], words: Words) -> Group:
    language = reminder.language
    first = min((line.due_date for line in lines), default=None)
    return Group(
        lines=tuple(_line(reminder, line, words) for line in lines),
        several=len(lines) > 1,
        refs=_refs(tuple(line.number for line in lines), words, language) if lines else "",
        first_due=short_date(first, language) if first else "",
        total=money(_asked_of(lines), reminder.currency, language),
    )


def _refs(numbers: tuple[str, ...], words: Words, language: str) -> str:
    if len(numbers) == 1:
        return words["refs_one"].format(number=numbers[0])
    if len(numbers) <= _LISTED:
        return words["refs_several"].format(numbers=enumeration(numbers, language))
    listed = ", ".join(numbers[:_LISTED_OF_MANY])
    return words["refs_many"].format(numbers=listed, rest=len(numbers) - _LISTED_OF_MANY)


def _line(reminder: Reminder, line: ReminderLine, words: Words) -> Line:
    contested = money(line.disputed, reminder.currency, reminder.language)
    return Line(
        number=line.number,
        issued=short_date(line.issue_date, reminder.language),
        due=short_date(line.due_date, reminder.language),
        total=money(line.total, reminder.currency, reminder.language),
        open=money(line.open, reminder.currency, reminder.language),
        disputed=words["disputed"].format(amount=contested) if line.disputed > ZERO else "",
        days_overdue=line.days_overdue,
        order=one_line(line.order_reference or ""),
        delivery=one_line(line.delivery_reference or ""),
    )


def _sender(reminder: Reminder, words: Words) -> Sender:
    creditor = reminder.creditor
    siren = creditor.siren or ""
    identity = (
        [words["siren"].format(siren=grouped(siren, 3) if len(siren) == _SIREN_DIGITS else siren)]
        if siren
        else []
    )
    if creditor.vat:
        identity.append(words["vat"].format(vat=one_line(creditor.vat)))
    return Sender(
        name=one_line(creditor.legal_name),
        address=_address(creditor.address),
        city=one_line(creditor.address.city),
        identity=tuple(identity),
        email=one_line(creditor.reply_to or creditor.email),
        phone=one_line(creditor.phone or ""),
        signatory=one_line(creditor.signatory or ""),
        agency=one_line(creditor.agency or ""),
    )


def _recipient(reminder: Reminder, words: Words) -> Recipient:
    debtor = reminder.debtor
    address = _address(debtor.address) if debtor.address else ()
    if debtor.address and debtor.address.country != reminder.creditor.country:
        address = (*address, country_name(debtor.address.country, reminder.language).upper())
    name = next((contact.name for contact in debtor.contacts if contact.name), None)
    return Recipient(
        name=one_line(debtor.legal_name),
        address=address,
        attention=words["attention"].format(name=one_line(name)) if name else "",
        phones=tuple(one_line(phone) for phone in debtor.phones),
    )


def _address(address: PostalAddress) -> tuple[str, ...]:
    lines = (*address.lines, f"{address.postcode} {address.city}")
    return tuple(one_line(line) for line in lines)


def _contact(sender: Sender, words: Words, medium: Medium) -> str:
    if medium == "call":
        return ""
    key = f"contact_{medium}_phone" if sender.phone else f"contact_{medium}"
    return words[key].format(email=sender.email, phone=sender.phone)


def _upcoming_note(upcoming: Group, words: Words) -> str:
    key = "upcoming_note_several" if upcoming.several else "upcoming_note_one"
    return words[key].format(refs=upcoming.refs)


def _earlier(reminder: Reminder, words: Words) -> tuple[str, ...]:
    """Recalls earlier messages from the firm tone on: before that they would read as a reproach."""
    if reminder.tone < Tone.FIRM:
        return ()
    return tuple(
        words[f"earlier_{message.channel.value}"].format(day=short_date(message.day, reminder.language))
        for message in reminder.earlier
    )


def _how_to_pay(reminder: Reminder) -> HowToPay:
    creditor = reminder.creditor
    return HowToPay(
        beneficiary=one_line(creditor.legal_name),
        iban=grouped(checked_iban(creditor.iban), 4) if creditor.iban else "",
        bic=one_line(creditor.bic or ""),
        reference=reference_of(reminder),
        amount=money(payable_now(reminder), reminder.currency, reminder.language),
        code=code_of(reminder) is not None,
    )
