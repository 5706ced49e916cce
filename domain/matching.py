"""Which invoice a bank entry is the money for, and whether that is certain enough to book.

In: the decision on an entry, with ranked candidates and reasons; which payment a return takes back.
Not in: how an entry is read (evidence.py), the books (openitems.py), amounts (fitting.py), and booking.

The rules. Money is booked by itself only where two things say the same and nothing speaks against it:

1. The invoice is named, and the amount fits. A structured reference may be paid in part; a number in a
   text too, if the payer is like the debtor. A loose reading of a number (its prefix or its zeros are
   missing, it could be a day) needs a payer like the debtor, and an amount that settles the invoice.
2. The debtor is certain, by an account that paid before or by the full legal name, nothing is named, and
   one set of open items alone gives the amount.

A certain debtor with an uncertain purpose has the money on account. Money on record already is the same
money. Everything else is asked. What speaks against: an account or a name that is another debtor's,
invoices of two debtors, a settled invoice, another currency, a number that is not in the books, other
invoices of which exactly the amount is open, a number one slip away with the same amount.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Literal

from domain.bank import BankEntry
from domain.bank_words import RETURN_WORDS
from domain.candidates import MOST, Candidate, candidate, ranked
from domain.comparison import Comparison, Support
from domain.evidence import Strength, read
from domain.fact import ZERO, Currency, Fact, Key, PositiveAmount
from domain.fitting import SETTLES, Fit, How, Sets, sets_giving
from domain.openitems import Directory, OpenItem, Recorded
from domain.reasons import Reason
from domain.receivable import Tolerance
from domain.remittance import compact, fold, words

Decision = Literal["book", "on_account", "same", "ask", "not_ours"]

ON_RECORD = 0.9
"""The score of a payment on record: above every invoice that would explain the money anew."""


class Proposal(Fact):
    """Says what to do with an entry.

    `booking` is what may be recorded without asking: all of it with `book`; with `on_account` the debtor,
    and the invoices that are certain where the money is more than they ask for. `candidates` are ranked:
    the booking alone where it is certain, the payment on record first where it is the same money. `doubts`
    say why it is not certain.
    """

    decision: Decision
    booking: Candidate | None = None
    candidates: tuple[Candidate, ...] = ()
    doubts: tuple[Reason, ...] = ()


def propose(entry: BankEntry, directory: Directory, tolerance: Tolerance) -> Proposal:
    """Decides on one entry; nothing is changed (Directory.booked and linked take note of what was done)."""
    if takes_back(entry):
        return Proposal(decision="ask", doubts=(Reason.CAME_BACK,))
    if not entry.credit:
        return Proposal(decision="not_ours", doubts=(Reason.WENT_OUT,))
    held = Comparison(entry, directory, tolerance, read(entry, directory))
    return _same(held) or _named(held) or _paid_by(held) or _loosely_named(held) or _asked(held)


def takes_back(entry: BankEntry) -> bool:
    """Tells whether an entry takes an earlier movement back: `match_return` finds which."""
    said = words(f"{entry.text} {entry.code or ''}")
    return entry.reversal or entry.returned is not None or (not entry.credit and bool(said & RETURN_WORDS))


def _asked(held: Comparison, doubt: Reason = Reason.UNSUPPORTED) -> Proposal:
    candidates = ranked(held)
    return Proposal(decision="ask", candidates=candidates, doubts=(doubt if candidates else Reason.NO_TRACE,))


def _booked(held: Comparison, debtor: str, fit: Fit) -> Proposal:
    booking = candidate(held, debtor, fit)
    return Proposal(decision="book", booking=booking, candidates=(booking,))


def _on_account(held: Comparison, debtor: str, doubt: Reason, fit: Fit | None = None) -> Proposal:
    """Gives a certain debtor the money, and invoices a part of it only where `fit` says which."""
    booking = candidate(held, debtor, fit or Fit(How.MORE, ()))
    others = ranked(held, booking if fit else None)
    return Proposal(decision="on_account", booking=booking, candidates=others, doubts=(doubt,))


# Money that is on record already


def _same(held: Comparison) -> Proposal | None:
    """Recognises money on record: of this amount, around this day, for the invoice or from the debtor named.

    Where several payments could be meant, or an open invoice would explain the money too, a person is asked.
    """
    likely = held.records()
    if not likely:
        return None
    recorded = tuple(
        Candidate(
            debtor=one.debtor,
            left=held.entry.amount,
            recorded=one.reference,
            score=ON_RECORD,
            reasons=(Reason.ON_RECORD,),
        )
        for one in likely[:MOST]
    )
    (first, *others) = likely
    if not others and not _explained_anew(held, first):
        return Proposal(decision="same", candidates=recorded)
    doubt = Reason.SEVERAL_WAYS if others else Reason.ELSEWHERE
    return Proposal(decision="ask", candidates=(*recorded, *ranked(held))[:MOST], doubts=(doubt,))


def _explained_anew(held: Comparison, record: Recorded) -> bool:
    """Tells whether what is still open explains the money as well as the record does.

    A record for certain invoices leaves no room for another that is hinted at, or has this amount open; one
    that names none explains one set of open invoices itself.
    """
    owed = held.owed_by(record.debtor)
    hinted = [item for item in owed if item.number in held.hinted(record.debtor)]
    ways: set[tuple[str, ...]] = {(item.number,) for item in owed if item.open == held.entry.amount}
    if record.invoices:
        return bool(ways) or not {item.number for item in hinted} <= set(record.invoices)
    if hinted and held.fit(hinted).how in SETTLES:
        ways.add(tuple(item.number for item in hinted))
    return len(ways) > 1


# Invoices that are named


def _named(held: Comparison) -> Proposal | None:
    """Decides where numbers or references name invoices, all of them of one debtor."""
    items = held.items(held.said.named(Strength.STATED))
    if not items:
        return None
    debtor, contradiction = items[0].debtor, _contradiction(held, items)
    if contradiction is not None:
        return _asked(held, contradiction)
    payable = held.payable(items)
    if not payable:
        return _settled_before(held, debtor, items)
    fit = held.fit(payable)
    completed = None if fit.how in SETTLES else _completed(held, debtor, payable)
    doubt = None if completed else next(_doubts(held, debtor, items, payable, fit), None)
    if completed or (doubt is None and fit.how is not How.MORE):
        return _booked(held, debtor, completed or fit)
    if not _certain(held, debtor, payable):
        return _asked(held, doubt or Reason.MORE)
    return _on_account(held, debtor, doubt or Reason.MORE, None if doubt else fit)


def _contradiction(held: Comparison, items: Sequence[OpenItem]) -> Reason | None:
    """Finds what keeps the debtor of named invoices from being certain: another debtor, or another payer."""
    debtor = items[0].debtor
    if any(item.debtor != debtor for item in items):
        return Reason.TWO_DEBTORS
    if held.support(debtor) is not Support.AGAINST:
        return None
    return Reason.OTHER_ACCOUNT if held.said.account else Reason.OTHER_NAME


def _certain(held: Comparison, debtor: str, items: Iterable[OpenItem]) -> bool:
    """Tells whether the debtor is certain: it is the payer, or a structured reference names each invoice."""
    structured = all(held.strength(item) is Strength.STRUCTURED for item in items)
    return structured or held.support(debtor) is Support.SURE


def _settled_before(held: Comparison, debtor: str, items: Sequence[OpenItem]) -> Proposal:
    """Decides where all that is named is settled, or owed in another currency: it gets nothing."""
    settled = any(item.closed or not item.open for item in items)
    again = settled and any(item.total == held.entry.amount for item in items) and not held.mistaken(items)
    doubt = Reason.SETTLED if settled else Reason.OTHER_CURRENCY
    if again or _certain(held, debtor, items):
        return _on_account(held, debtor, doubt)
    return _asked(held, doubt)


def _completed(held: Comparison, debtor: str, named: Sequence[OpenItem]) -> Fit | None:
    """Completes what is named by what is hinted at (0412, 413 and 415), if that makes the amount exactly."""
    hinted = [item for item in held.owed_by(debtor) if item.number in held.hinted(debtor) or item in named]
    if len(hinted) == len(named) or held.support(debtor) < Support.ALIKE:
        return None
    fit = held.fit(hinted)
    return fit if fit.how is How.EXACT else None


def _doubts(
    held: Comparison, debtor: str, items: Sequence[OpenItem], payable: Sequence[OpenItem], fit: Fit
) -> Iterator[Reason]:
    """Yields what speaks against booking an amount on the invoices named, of which some are payable."""
    settled = [item for item in items if item not in payable]
    if settled and (fit.how not in SETTLES or any(item.total == held.entry.amount for item in settled)):
        yield Reason.SETTLED
    structured = all(held.strength(item) is Strength.STRUCTURED for item in payable)
    if not structured and held.mistaken(payable):
        yield Reason.ONE_SLIP_AWAY
    if fit.how in SETTLES:
        return
    if not structured and held.support(debtor) < Support.ALIKE:
        yield Reason.UNSUPPORTED
    others = [item for item in held.owed_by(debtor) if item not in payable]
    if fit.how is How.DOUBTFUL or sets_giving(others, held.entry.amount).found:
        yield Reason.ELSEWHERE
    if fit.how is How.PART and len({item.document for item in payable}) > 1:
        yield Reason.SEVERAL_WAYS
    if fit.how is not How.MORE and held.said.unknown:
        yield Reason.NOT_IN_BOOKS


# A payer who is certain


def _paid_by(held: Comparison) -> Proposal | None:
    """Decides where the payer is certain and no invoice is named for sure."""
    debtor = held.payer
    if debtor is None:
        return None
    loose = held.items(held.said.mentions)
    owed = held.owed_by(debtor)
    sets = sets_giving(owed, held.entry.amount)
    meant = _meant(held, debtor, owed, sets)
    doubt = _silent_doubt(held, debtor, loose)
    if meant is None and doubt is None and sets.certain:
        meant = held.fit(sets.found[0])
    if meant is not None:
        return _booked(held, debtor, meant)
    if _doubtful_payer(held, debtor, sets):
        return _asked(held, doubt or Reason.UNSUPPORTED)
    return _on_account(held, debtor, doubt or (Reason.SEVERAL_WAYS if sets.found else Reason.UNNAMED))


def _meant(held: Comparison, debtor: str, owed: Sequence[OpenItem], sets: Sets) -> Fit | None:
    """Finds what a certain payer means by a common reference, a loose number or a part of one.

    A part of a number counts only where it agrees with the one set of invoices that gives the amount.
    """
    asked = [item for item in held.payable(held.items(held.said.asked)) if item.debtor == debtor]
    if asked and (fit := held.fit(asked)).how is How.EXACT:
        return fit
    hinted = [item for item in owed if item.number in held.hinted(debtor)]
    if sets.certain and set(sets.found[0]) <= set(hinted):
        hinted = list(sets.found[0])
    if not hinted or (fit := held.fit(hinted)).how not in SETTLES or held.unexplained(hinted):
        return None
    weak = not all(held.strength(item) for item in hinted)
    settled = held.directory.settled_by(debtor, held.entry.currency, held.entry.amount)
    return None if weak and (settled or sets.found != (tuple(hinted),)) else fit


def _silent_doubt(held: Comparison, debtor: str, loose: Sequence[OpenItem]) -> Reason | None:
    """Finds what speaks against booking by the amount alone."""
    if held.said.unknown or loose or held.hinted(debtor):
        return Reason.NOT_IN_BOOKS
    if held.said.advance:
        return Reason.ADVANCE
    settled = held.directory.settled_by(debtor, held.entry.currency, held.entry.amount)
    return Reason.SETTLED if settled else None


def _doubtful_payer(held: Comparison, debtor: str, sets: Sets) -> bool:
    """Tells whether it may be another's money: of another company of that name, or for another's invoice."""
    if held.by_name_alone and not sets.found:
        owed = sum((item.open for item in held.owed_by(debtor)), ZERO)
        if held.from_new_account or held.said.unknown or owed < held.entry.amount:
            return True
    return held.meant_elsewhere


# Numbers that are not certain, from a payer who is not


def _loosely_named(held: Comparison) -> Proposal | None:
    """Books a loose reading of a number where the payer is like its debtor and the amount settles it."""
    loose = held.payable(held.items(held.said.mentions))
    debtors = {item.debtor for item in loose}
    if len(debtors) != 1 or held.said.unknown:
        return None
    (debtor,) = debtors
    fit = held.fit(loose)
    if held.support(debtor) is not Support.ALIKE or fit.how not in SETTLES or held.mistaken(loose):
        return None
    return _booked(held, debtor, fit)


# Returns


class BankPayment(Fact):
    """States a payment that was booked from a bank entry and may come back."""

    reference: str
    debtor: Key
    amount: PositiveAmount
    currency: Currency = "EUR"
    received_on: date
    end_to_end: str | None = None
    bank_reference: str | None = None
    payer_account: str | None = None


class ReturnProposal(Fact):
    """Says which payment a return takes back: one for certain, or candidates to ask about."""

    decision: Literal["reverse", "ask"]
    candidates: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


def match_return(entry: BankEntry, payments: Iterable[BankPayment]) -> ReturnProposal:
    """Finds the payment that came back: one alone of its amount, whose reference the entry quotes.

    Without a quoted reference, payments of the same amount are candidates, those from the same account
    first, then the latest. A return never takes back what came after it.
    """
    equal = [
        payment
        for payment in payments
        if payment.amount == entry.amount
        and payment.currency == entry.currency
        and payment.received_on <= entry.booked_on
    ]
    quoted = [payment for payment in equal if _quotes(entry, payment)]
    account = compact(entry.payer_account or "")

    def rank(payment: BankPayment) -> tuple[bool, bool, int, str]:
        same_account = bool(account) and account == compact(payment.payer_account or "")
        return payment not in quoted, not same_account, -payment.received_on.toordinal(), payment.reference

    ranked = tuple(payment.reference for payment in sorted(equal, key=rank)[:MOST])
    if len(quoted) == 1 and not entry.credit:
        return ReturnProposal(decision="reverse", candidates=ranked, reasons=(Reason.QUOTED,))
    doubt = Reason.SEVERAL_WAYS if quoted else Reason.UNSUPPORTED if equal else Reason.NO_TRACE
    return ReturnProposal(decision="ask", candidates=ranked, reasons=(doubt,))


NO_REFERENCES = frozenset({"NOTPROVIDED", "NOTAVAILABLE", "NONREF"})
"""What banks write where there is no reference."""


def _quotes(entry: BankEntry, payment: BankPayment) -> bool:
    """Tells whether an entry quotes a payment's end-to-end id or bank reference, in a field or as a word."""
    told = {compact(word) for word in fold(entry.text).split()}
    told |= {compact(field) for field in (entry.end_to_end, entry.bank_reference, *entry.references) if field}
    return any(
        len(whole) >= 6 and whole in told - NO_REFERENCES  # noqa: PLR2004 - shorter ones are not from banks
        for reference in (payment.end_to_end, payment.bank_reference)
        if (whole := compact(reference or ""))
    )
