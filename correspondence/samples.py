"""Sample reminders, with which a wording is tried before any customer is written to.

In: one invoice, several, overdue and coming ones together, money received, a dispute, and a bare minimum.
Not in: the sample company of the demonstration.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain.policy import Channel, Tone
from domain.receivable import Contact, Creditor, Debtor, PostalAddress
from domain.reminder import Earlier, Reminder, ReminderLine

_DAY = date(2026, 10, 12)

_CREDITOR = Creditor(
    id="atelier",
    legal_name="Atelier Martin SAS",
    siren="732829320",
    vat="FR44732829320",
    address=PostalAddress(lines=("12 rue des Tanneurs",), postcode="69002", city="Lyon"),
    email="comptabilite@atelier-martin.example",
    phone="+33 4 72 00 00 00",
    signatory="Claire Martin",
    iban="FR7630006000011234567890189",
    agency="Cabinet Exemple",
)
_DEBTOR = Debtor(
    creditor="atelier",
    id="boulangerie",
    legal_name="Boulangerie du Pont SARL",
    address=PostalAddress(lines=("3 quai du Pont",), postcode="38000", city="Grenoble"),
    contacts=(Contact(name="Paul Durand", email="compta@boulangerie.example", phone="+33 4 76 00 00 00"),),
)


def line(
    number: str,
    days_overdue: int,
    amount: str,
    *,
    paid: str = "0.00",
    disputed: str = "0.00",
    full: bool = True,
) -> ReminderLine:
    """Makes a line that is so many days overdue; negative days are still to come."""
    due = _DAY - timedelta(days=days_overdue)
    return ReminderLine(
        number=number,
        document=number,
        step="sample",
        rung=0,
        issue_date=due - timedelta(days=30),
        due_date=due,
        total=Decimal(amount),
        open=Decimal(amount) - Decimal(paid),
        disputed=Decimal(disputed),
        days_overdue=days_overdue,
        order_reference="BC-4471" if full else None,
        delivery_reference="BL-2093" if full else None,
    )


def reminder(
    message: str,
    language: str,
    lines: tuple[ReminderLine, ...],
    *,
    tone: Tone = Tone.FIRM,
    received: str = "0.00",
    deadline: bool = True,
    earlier: int = 2,
    creditor: Creditor = _CREDITOR,
    debtor: Debtor = _DEBTOR,
    currency: str = "EUR",
) -> Reminder:
    """Makes a reminder that speaks for the lines given."""
    asked = sum((one.open - one.disputed for one in lines), Decimal("0.00")) - Decimal(received)
    return Reminder(
        creditor=creditor,
        debtor=debtor,
        policy="sample@0",
        lead=lines[0].number,
        step=lines[0].step,
        channel=Channel.EMAIL,
        wording=message,
        tone=tone,
        language=language,
        currency=currency,
        lines=lines,
        received=Decimal(received),
        asked=asked,
        day=_DAY,
        planned_at=datetime(2026, 10, 12, 7, tzinfo=UTC),
        known_on=_DAY,
        deadline=_DAY + timedelta(days=8) if deadline else None,
        recipients=debtor.emails,
        earlier=tuple(
            Earlier(day=_DAY - timedelta(days=10 * turn), channel=Channel.EMAIL, tone=Tone.COURTEOUS)
            for turn in range(earlier, 0, -1)
        ),
    )


def samples(message: str, language: str) -> dict[str, Reminder]:
    """Makes one reminder of each shape that a wording must be able to say."""
    plain = _CREDITOR.model_copy(
        update=dict.fromkeys(("siren", "vat", "phone", "signatory", "iban", "agency"))
    )
    nameless = _DEBTOR.model_copy(
        update={"contacts": (Contact(email="x@boulangerie.example"),), "address": None}
    )
    abroad = _CREDITOR.model_copy(
        update={
            "address": PostalAddress(lines=("Rue Haute 1",), postcode="1000", city="Bruxelles", country="BE")
        }
    )
    contested = line("F2026-0023", 10, "1280.71", disputed="200.00")
    late, later = line("F2026-0023", 10, "1280.71"), line("F2026-0031", 4, "640.00", paid="200.00")
    soon, after = line("F2026-0040", -3, "310.50"), line("F2026-0041", -9, "99.90")
    many = tuple(line(f"F2026-01{turn:02d}", turn, "100.00") for turn in range(12, 6, -1))
    return {
        "one": reminder(message, language, (late,)),
        "one coming": reminder(message, language, (soon,), deadline=False, earlier=0),
        "several": reminder(message, language, (late, later)),
        "several coming": reminder(message, language, (soon, after), deadline=False, earlier=0),
        "many": reminder(message, language, many, deadline=False, earlier=1),
        "mixed": reminder(message, language, (late, later, soon, after), tone=Tone.COURTEOUS),
        "mixed one": reminder(message, language, (late, soon)),
        "received": reminder(message, language, (late, later), received="150.00", creditor=abroad),
        "disputed": reminder(message, language, (contested, later)),
        "bare": reminder(
            message,
            language,
            (line("F1", 10, "50.00", full=False),),
            deadline=False,
            earlier=0,
            creditor=plain,
            debtor=nameless,
            currency="USD",
        ),
    }
