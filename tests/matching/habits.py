"""What customers do when they pay, by class, and what else comes and goes on an account.

In: a function for each class, and how often it happens. Not in: the drawing of an entry (drawing.py).
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from correspondence.payment_code import creditor_reference
from domain.bank import BankEntry
from domain.fact import ZERO, cents
from domain.openitems import OpenItem
from domain.receivable import Allocation, Allowance
from tests.matching.books import Customer, iban, name
from tests.matching.drawing import Drawing, Habit, Truth
from tests.matching.writing import MANGLES, frame, listed, payer, shown


def by_reference(do: Drawing, kind: str) -> None:
    """Scans the code, or copies the structured reference."""
    buyer, owed = do.buyer()
    item = do.one([item for item in owed if item.number == item.document] or owed)
    reference = creditor_reference(item.document)
    if do.draw.random() < 0.3:
        reference = " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))
    where = do.draw.choice(["references", "references", "references", "end_to_end", "text"])
    given: Any = (reference,) if where == "references" else reference
    if where == "text":
        given = do.draw.choice(["{}", "REF {}", "SCOR {} MERCI"]).format(reference)
    do.pays(kind, buyer, "", do.full([item]), **{where: given})


def by_number(do: Drawing, kind: str) -> None:
    """Writes the number as it stands on the invoice."""
    buyer, owed = do.buyer()
    item = do.one(owed)
    where: dict[str, Any] = {"documents": (item.document,)} if do.draw.random() < 0.1 else {}
    do.pays(kind, buyer, item.document, do.full([item]), **where)


def mangled(do: Drawing, kind: str) -> None:
    """Writes the number in some way of his own; now and then with another anomaly on top."""
    buyer, owed = do.buyer()
    item = do.one(owed)
    number = MANGLES[kind](do.draw, item.document)
    if do.draw.random() < 0.03:
        part = cents(do.open[item.number] / 2)
        do.pays(kind, buyer, number, (Allocation(invoice=item.number, amount=max(part, Decimal("0.01"))),))
    else:
        do.pays(kind, buyer, number, do.full([item]))


def several(do: Drawing, kind: str) -> None:
    """Pays several invoices at once and lists them, some with one of them mangled."""
    buyer, owed = do.owing(lambda _: True, least=3)
    items = sorted(
        do.draw.sample(owed, min(do.draw.choice([2, 2, 2, 3, 3, 4, 6]), len(owed))), key=lambda item: item.age
    )
    numbers = list(dict.fromkeys(item.document for item in items))
    documents = {number: [item for item in owed if item.document == number] for number in numbers}
    items = [item for whole in documents.values() for item in whole]
    if do.draw.random() < 0.1:
        numbers[-1] = MANGLES[do.draw.choice(list(MANGLES))](do.draw, numbers[-1])
    where: dict[str, Any] = {"documents": tuple(numbers)} if do.draw.random() < 0.15 else {}
    do.pays(kind, buyer, listed(do.draw, numbers), do.full(items), **where)


def partial(do: Drawing, kind: str) -> None:
    """Pays a part: a round sum, a share, or less for goods that were damaged."""
    buyer, owed = do.owing(lambda item: do.open[item.number] > 100 and item.number == item.document)
    item = do.one(owed)
    whole = do.open[item.number]
    part = do.draw.choice(
        [
            whole.quantize(Decimal(100)) / 2,
            cents(whole / 3),
            cents(whole * Decimal("0.3")),
            whole - Decimal("24.60"),
        ]
    )
    part = cents(min(max(part, Decimal("10.00")), whole - Decimal("0.50")))
    number = (
        item.document
        if do.draw.random() < 0.8
        else MANGLES[do.draw.choice(list(MANGLES))](do.draw, item.document)
    )
    do.pays(kind, buyer, number, (Allocation(invoice=item.number, amount=part),))


def discount(do: Drawing, kind: str) -> None:
    """Takes the discount; one in five takes it too late, which is a partial payment."""

    def offered(item: OpenItem) -> bool:
        late = bool(item.discounts) and do.day > item.discounts[0].until + timedelta(days=3)
        return bool(item.discounts) and do.open[item.number] == item.total and late == too_late

    too_late = do.draw.random() < 0.2
    buyer, owed = do.owing(offered, lambda one: one.discount is not None)
    item = do.draw.choice(owed)
    rate = cents(item.total * item.discounts[0].percent / 100)
    amount = item.total - rate
    slip = do.draw.choice([ZERO, ZERO, ZERO, Decimal("0.01"), Decimal("-0.01")])
    number = (
        item.document
        if do.draw.random() < 0.7
        else MANGLES[do.draw.choice(list(MANGLES))](do.draw, item.document)
    )
    if do.draw.random() < 0.3:
        number += " SKONTO" if buyer.country == "DE" else " ESCOMPTE"
    given = (
        Allocation(invoice=item.number, amount=amount)
        if too_late
        else Allocation(
            invoice=item.number, amount=amount + slip, allowed=rate - slip, allowance=Allowance.DISCOUNT
        )
    )
    if given.allowed == ZERO and not too_late:
        given = Allocation(invoice=item.number, amount=item.total)
    do.pays(kind, buyer, number, (given,))


def charges(do: Drawing, kind: str) -> None:
    """Pays from abroad, or complains of charges, and banks on the way keep some euros."""
    buyer, owed = do.owing(lambda item: do.open[item.number] > 150 and item.number == item.document)
    item = do.one(owed)
    kept = cents(Decimal(do.draw.choice(["5.00", "7.50", "12.00", "14.90", "8.35", "15.00"])))
    abroad = buyer.country != "FR" or do.draw.random() < 0.5
    land = buyer.country if buyer.country != "FR" else do.draw.choice(["CH", "GB", "US"])
    number = item.document + (
        "" if abroad else do.draw.choice([" FRAIS BANCAIRES DEDUITS", " MOINS FRAIS", " FEES"])
    )
    whole = do.open[item.number]
    given = Allocation(invoice=item.number, amount=whole - kept, allowed=kept, allowance=Allowance.CHARGES)
    more: dict[str, Any] = {"payer_account": iban(do.draw, land if abroad else "FR")}
    if not abroad:
        silent = frame(do.draw, "FR", "", who=buyer.name, customer=buyer.id, amount=whole, day=do.day)
        more["text"] = f"{silent} {shown(number)}"
    do.pays(kind, buyer, number, (given,), **more)


def slip_of_cents(do: Drawing, kind: str) -> None:
    """Types the amount a few cents wrong."""
    buyer, owed = do.buyer()
    item = do.one([item for item in owed if item.number == item.document] or owed)
    off = Decimal(do.draw.randint(1, 5)) / 100
    whole = do.open[item.number]
    number = (
        item.document
        if do.draw.random() < 0.8
        else MANGLES[do.draw.choice(list(MANGLES))](do.draw, item.document)
    )
    if item.number != item.document or whole < 1:
        return
    if do.draw.random() < 0.5:
        do.pays(kind, buyer, number, do.full([item]), left=off)
    else:
        given = Allocation(
            invoice=item.number, amount=whole - off, allowed=off, allowance=Allowance.DIFFERENCE
        )
        do.pays(kind, buyer, number, (given,))


def batch(do: Drawing, kind: str) -> None:
    """Books several customers' payments as one sum, each with its own details."""
    shared = f"LOT{do.draw.randrange(10**6)}"
    for _ in range(do.draw.randint(2, 5)):
        buyer, owed = do.buyer()
        item = do.one(owed)
        do.pays(kind, buyer, item.document, do.full([item]), batch=shared, bank_reference=shared)


def silent(do: Drawing, kind: str) -> None:
    """Pays from an account that is known, and says nothing of use: one invoice, some, or a round sum."""
    buyer, owed = do.buyer(lambda one: one.known)
    mute(do, kind, buyer, owed, payer_account=buyer.accounts[0])


def mute(do: Drawing, kind: str, buyer: Customer, owed: list[OpenItem], **more: Any) -> None:
    """Pays without a word about what: what is owed, a part of it, or a round sum that no invoices give."""
    lot = do.draw.random()
    if lot < 0.72:
        do.pays(kind, buyer, "", do.full([do.one(owed)]), **more)
    elif lot < 0.78:
        do.pays(kind, buyer, "", do.full(owed if len(owed) < 9 else owed[:6]), **more)
    elif lot < 0.88:
        due = [item for item in owed if item.due_date <= do.day]
        do.pays(kind, buyer, "", do.full(due if 0 < len(due) < 9 else owed[:3]), **more)
    elif lot < 0.94:
        some = do.draw.sample(owed, min(len(owed), do.draw.choice([2, 2, 3, 4])))
        do.pays(kind, buyer, "", do.full(sorted(some, key=lambda item: item.age)), **more)
    elif lot < 0.97:
        amount = Decimal(do.draw.randrange(1, 40) * 50)
        if not _owes(do, owed, amount):
            do.pays(kind, buyer, "", (), left=amount, **more)
    else:
        item = do.one(owed)
        part = max(cents(do.open[item.number] * Decimal("0.45")), Decimal("0.01"))
        if part not in {do.open[one.number] for one in owed}:
            do.pays(kind, buyer, "", (Allocation(invoice=item.number, amount=part),), **more)


def _owes(do: Drawing, owed: list[OpenItem], amount: Decimal) -> bool:
    """Tells whether some of what is owed sums to an amount: then nobody pays it on account."""
    sums = {ZERO}
    for item in owed:
        sums |= {reached + do.open[item.number] for reached in sums if reached <= amount}
        if len(sums) > 4000:
            return True
    return amount in sums


def by_name(do: Drawing, kind: str) -> None:
    """Pays from an account that nobody knows; only the name tells who."""
    buyer, owed = do.buyer()
    mute(
        do,
        kind,
        buyer,
        owed,
        payer_account=iban(do.draw, "FR"),
        payer=payer(do.draw, buyer.name) or shown(buyer.name),
    )


def foreign(do: Drawing, kind: str) -> None:
    """Pays from another country, in its language."""
    buyer, owed = do.buyer(lambda one: one.country != "FR")
    item = do.one(owed)
    how = do.draw.choice(["plain", "spaces for dashes", "prefix dropped", "dashes dropped"])
    number = item.document if how == "plain" else MANGLES[how](do.draw, item.document)
    do.pays(kind, buyer, number, do.full([item]))


def other_currency(do: Drawing, kind: str) -> None:
    """Pays in a currency that is not the invoice's: nobody but a person can say what it is worth."""
    buyer, owed = do.buyer(lambda one: one.currency == "EUR")
    item = do.one(owed)
    do.pays(
        kind, buyer, item.document, (), left=cents(do.open[item.number] * Decimal("1.08")), currency="USD"
    )


def too_much(do: Drawing, kind: str) -> None:
    """Pays more than is open: an invoice and something, or by two digits swapped."""
    buyer, owed = do.buyer()
    item = do.one([item for item in owed if item.number == item.document] or owed)
    if item.number != item.document:
        return
    more = do.draw.choice(
        [Decimal("10.00"), Decimal("90.00"), cents(item.total * Decimal("0.2")), Decimal("0.90")]
    )
    do.pays(kind, buyer, item.document, do.full([item]), left=more)


def twice(do: Drawing, kind: str) -> None:
    """Pays what is paid already, with the same words."""
    settled = [item for item in do.books.items.values() if item.closed and item.document == item.number]
    paid = [item for item, given in do.paid[-400:] if given == item.total and item.document == item.number]
    item = do.draw.choice(paid or settled) if do.draw.random() < 0.6 else do.draw.choice(settled)
    if do.open[item.number] > ZERO:
        return
    buyer = do.books.customers[item.debtor]
    lot = do.draw.random()
    if lot < 0.35:
        do.pays(kind, buyer, "", (), left=item.total, references=(creditor_reference(item.document),))
    elif lot < 0.8:
        do.pays(kind, buyer, item.document, (), left=item.total)
    else:
        do.pays(
            kind, buyer, MANGLES[do.draw.choice(list(MANGLES))](do.draw, item.document), (), left=item.total
        )


def by_parent(do: Drawing, kind: str) -> None:
    """Has the invoice paid by a parent, which may be a customer itself, from the parent's account.

    The parent says for whom: it does not shorten the number to where nobody could tell.
    """
    buyer, owed = do.buyer(lambda one: one.parent is not None)
    item = do.one(owed)
    head = buyer.parent if do.draw.random() < 0.6 and buyer.parent else None
    title = head.name if head else do.draw.choice(["GROUPE ", "HOLDING "]) + name(do.draw, "FR")
    account = head.accounts[0] if head else iban(do.draw, "FR")
    how = do.draw.choice([how for how in MANGLES if how not in {"truncated", "last digits"}])
    number = item.document if do.draw.random() < 0.7 else MANGLES[how](do.draw, item.document)
    more: dict[str, Any] = {}
    if do.draw.random() < 0.2:
        more["references"] = (creditor_reference(item.document),)
    items = [one for one in owed if one.document == item.document]
    more["text"] = do.draw.choice(
        ["{}", "FACTURE {}", "FACT. {} POUR " + buyer.name, "{} VIR GROUPE"]
    ).format(number)
    do.pays(kind, buyer, number, do.full(items), payer=shown(title)[:70], payer_account=account, **more)


def misleading(do: Drawing, kind: str) -> None:
    """Writes a number that is in the books and not what is paid: a day, an order, an old reference."""
    buyer, owed = do.buyer(lambda one: one.known)
    item = do.one(owed)
    other = do.books.items[do.draw.choice(list(do.books.items))]
    settled = [number for number in do.books.by_customer[buyer.id] if do.open[number] == ZERO]
    old = do.books.items[do.draw.choice(settled)] if settled else other
    text = do.draw.choice(
        [
            f"NOTRE REF {other.document}",
            f"COMMANDE {other.document[-5:]}",
            f"DU {do.day:%Y%m%d} AU {do.day + timedelta(days=3):%Y%m%d}",
            f"VIREMENT {do.day:%Y-%m-%d}",
            f"CLIENT {other.document[-5:]} {item.total:.2f}",
            f"{str(item.total).replace('.', '')}",
            f"LOT 12 BAT 3 33000 BORDEAUX {other.number[-3:]}",
            f"{other.document}",
            f"FACTURE {old.document}",
        ]
    )
    more: dict[str, Any] = {"text": text}
    if do.draw.random() < 0.15:
        more = {"references": (creditor_reference(old.document),), "text": ""}
    do.pays(kind, buyer, "", do.full([item]), payer_account=buyer.accounts[0], **more)


def unknown(do: Drawing, kind: str) -> None:
    """Comes from somebody who owes nothing: a refund, a stranger whose name is like a customer's."""
    stranger = do.draw.choice(do.strangers)
    item = do.books.items[do.draw.choice(list(do.books.items))]
    amount = do.draw.choice(
        [cents(Decimal(do.draw.randrange(500, 500000)) / 100), item.total, Decimal("1000.00")]
    )
    text = do.draw.choice(
        [
            *("REMBOURSEMENT CREDIT TVA 202610", "AVOIR 2026-0412", "CAUTION", "PRIME", "VIREMENT"),
            f"FACT {do.draw.randrange(1000, 9999)}",
            f"REMB SINISTRE {do.draw.randrange(10**7)}",
            f"DOSSIER {item.document[-4:]}",
        ]
    )
    entry = BankEntry(
        amount=amount,
        currency="EUR",
        credit=True,
        booked_on=do.day,
        text=text,
        payer=do.draw.choice([shown(stranger), "DGFIP", "AXA FRANCE IARD", None, "M DUPONT JEAN"]),
        payer_account=iban(do.draw, "FR"),
    )
    do.month.lines.append((entry, Truth(kind)))


def went_out(do: Drawing, kind: str) -> None:
    """Goes out: salaries, fees, suppliers, some of whom number like we do."""
    item = do.books.items[do.draw.choice(list(do.books.items))]
    text = do.draw.choice(
        ["VIREMENT SALAIRES", "FRAIS TENUE DE COMPTE", f"FACTURE {item.document}", "PRLV URSSAF"]
    )
    amount = item.total if do.draw.random() < 0.3 else cents(Decimal(do.draw.randrange(100, 900000)) / 100)
    entry = BankEntry(amount=amount, currency="EUR", credit=False, booked_on=do.day, text=text)
    do.month.lines.append((entry, Truth(kind)))


def came_back(do: Drawing, kind: str) -> None:
    """Takes an earlier payment back; banks quote its reference, or only say that something was returned."""
    candidates = [given for given in do.given if given.currency == "EUR" and given.bank_reference]
    if not candidates:
        return
    given = do.draw.choice(candidates[-300:])
    more: dict[str, Any] = do.draw.choice(
        [
            {"end_to_end": given.end_to_end, "returned": "AC04"},
            {"text": f"IMPAYE {given.bank_reference}"},
            {"text": "PRLV REJETE PROVISION INSUFFISANTE", "returned": "AM04"},
            {"bank_reference": given.bank_reference, "reversal": True},
        ]
    )
    entry = BankEntry.model_validate(
        {"amount": given.amount, "currency": "EUR", "credit": False, "booked_on": do.day} | more
    )
    do.month.lines.append((entry, Truth(kind, given.debtor, returned=given.reference)))


def on_record(do: Drawing, kind: str) -> None:
    """Is on record already; now and then another payment of that amount comes from the same customer."""
    near = [one for one in do.waiting if abs((one.received_on - do.day).days) <= 5]
    if not near:
        return
    record = do.draw.choice(near)
    buyer = do.books.customers[record.debtor]
    numbers = (
        record.invoices[0].partition("/")[0] if record.invoices and "INV" not in record.invoices[0] else ""
    )
    same = [item for item in do.owed(buyer) if do.open[item.number] == record.amount and record.invoices]
    if same and do.draw.random() < 0.5:
        do.pays(kind, buyer, same[0].document if do.draw.random() < 0.7 else "", do.full(same[:1]))
        return
    do.waiting.remove(record)
    if do.draw.random() < 0.3:
        numbers = ""
    do.pays(kind, buyer, numbers, (), left=record.amount, recorded=record.reference)


HABITS: list[Habit] = [
    ("reference", 16, by_reference),
    ("number", 14, by_number),
    *((how, 1.8, mangled) for how in MANGLES),
    ("several", 7, several),
    ("partial", 4, partial),
    ("discount", 4, discount),
    ("charges", 2, charges),
    ("cents", 2, slip_of_cents),
    ("batch", 1, batch),
    ("known account", 8, silent),
    ("name only", 4, by_name),
    ("foreign", 3, foreign),
    ("other currency", 0.7, other_currency),
    ("overpayment", 1.5, too_much),
    ("double payment", 1.5, twice),
    ("parent", 2, by_parent),
    ("misleading", 2, misleading),
    ("unknown", 2, unknown),
    ("went out", 2, went_out),
    ("came back", 1, came_back),
    ("on record", 2.5, on_record),
]
"""What happens in a month, and how often in a hundred payments."""
