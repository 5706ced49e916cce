"""The bank of one creditor: what was booked on his account, and the files that tell of it.

In: entries and their truth, files of some days as banks write them, what must be on record in the end.
Not in: when money comes (tills.py), and the taking in of files (teller.py).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from random import Random
from xml.sax.saxutils import escape

import sqlalchemy as sa

from correspondence.payment_code import creditor_reference
from domain.bank import BankEntry
from ledger.database import Database
from ledger.schema import bank_entries

OPENED = Decimal("1000.00")
ONE_DAY = timedelta(days=1)
A_MONTH = timedelta(days=30)

BANK, PLACE = 30006, 1
"""The numbers of a bank and its branch."""

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True)
class Booked:
    """States an entry, and for which invoice the money truly was; none for a stranger's money.

    Amounts that went out are below zero. An entry without `mark` is told apart by what is written in it.
    """

    reference: str
    on: date
    amount: Decimal
    text: str
    payer: str
    account: str
    number: str | None
    structured: str | None = None
    end_to_end: str | None = None
    mark: str | None = None
    back: str | None = None

    def is_told_by(self, entry: BankEntry) -> bool:
        """Tells whether an entry on record is this one."""
        return (self.on, self.amount, self.text) == (entry.booked_on, entry.signed, entry.text)


@dataclass
class Branch:
    """Keeps an account: its entries as they were booked, and up to when files told them."""

    iban: str
    debtor: str
    name: str
    begun: date
    draw: Random
    booked: dict[str, Booked] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    read_to: date | None = None

    def credit(self, reference: str, on: date, amount: Decimal, number: str | None, how: str) -> str:
        """Books money that came in, once by its reference; `how` says what the payer wrote."""
        if reference in self.booked:
            return "it was booked before"
        stranger = how == "stranger"
        number = None if stranger else number or None
        named = number or self.debtor
        ends = f"E{sha256(reference.encode()).hexdigest()[:12]}"
        text = {
            "reference": "",
            "number": f"Facture {named}",
            "lower": f"paiement {named.lower().replace('-', '')}",
            "stranger": "Loyer du local",
        }.get(how, "")
        self.booked[reference] = Booked(
            reference=reference,
            on=on,
            amount=amount,
            text=text,
            payer="Immobiliere du Port SCI" if stranger else "" if how == "nothing" else self.name,
            account="" if how == "nothing" else iban_of(reference if stranger else self.debtor),
            number=number,
            structured=creditor_reference(named) if how == "reference" else None,
            end_to_end=ends if self.draw.random() < 0.5 else None,
            mark=f"BK{len(self.booked):06d}" if self.draw.random() < 0.6 else None,
        )
        return "booked"

    def give_back(self, reference: str, on: date) -> str:
        """Books that money came back that had come in."""
        first, back = self.booked.get(reference), f"{reference} back"
        if first is None or back in self.booked:
            return "there is nothing to come back"
        mark = f"BK{len(self.booked):06d}"
        self.booked[back] = replace(
            first, reference=back, on=on, amount=-first.amount, mark=mark, back=reference
        )
        return "came back"

    # Files

    def files(self, what: str, today: date) -> list[bytes]:
        """Writes the files that are fetched on a day; what they tell is to be on record from then on."""
        last = self.read_to or self.begun - ONE_DAY
        self.read_to = today
        match what:
            case "again":
                return [self.file(last, today)] * 2
            case "longer":
                return [self.file(min(last, today - A_MONTH), today)]
            case "apart" if last < today:
                return [self.file(last + ONE_DAY, today)]
            case "later first" if last + ONE_DAY < today:
                middle = last + (today - last) // 2
                return [self.file(middle + ONE_DAY, today), self.file(last, middle)]
        return [self.file(last, today)]

    def file(self, first: date, last: date) -> bytes:
        """Writes the statement of some days, with its balances."""
        within = [one for one in self.booked.values() if first <= one.on <= last]
        before = sum((one.amount for one in self.booked.values() if one.on < first), OPENED)
        after = before + sum(one.amount for one in within)
        self.told |= {one.reference for one in within}
        within.sort(key=lambda one: one.on)
        statement = (
            f"<Id>{self.debtor}-{first}-{last}</Id><CreDtTm>{last}T20:00:00+01:00</CreDtTm>"
            f"<FrToDt><FrDtTm>{first}T00:00:00</FrDtTm><ToDtTm>{last}T23:59:59</ToDtTm></FrToDt>"
            f"<Acct><Id><IBAN>{self.iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
            f"{_balance('OPBD', before, first)}{_balance('CLBD', after, last)}"
            f"{''.join(_entry(one) for one in within)}"
        )
        head = "<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-01-01T00:00:00</CreDtTm></GrpHdr>"
        message = f"<BkToCstmrStmt>{head}<Stmt>{statement}</Stmt></BkToCstmrStmt>"
        return f'<?xml version="1.0"?><Document xmlns="{NAMESPACE}">{message}</Document>'.encode()

    # What must be on record

    async def flaws(self, database: Database, creditor: str) -> Iterator[str]:
        """Says which entries that files told of are not on record once, and which are on a wrong account."""
        query = sa.select(bank_entries).where(bank_entries.c.creditor == creditor)
        async with database.reading() as conn:
            rows = (await conn.execute(query)).all()
        expected = Counter(self._known_by(one) for one in self.booked.values() if one.reference in self.told)
        found = Counter((row.booked_on, row.amount) for row in rows)
        return (
            f"an entry of {amount} on {on} is on record {found[on, amount]} times, not {expected[on, amount]}"
            for on, amount in {**expected, **found}
            if found[on, amount] != expected[on, amount]
        )

    @staticmethod
    def _known_by(one: Booked) -> tuple[date, Decimal]:
        return one.on, one.amount


def iban_of(name: str) -> str:
    """Gives everybody a French account of his own, with check digits that are right."""
    own = int.from_bytes(sha256(name.encode()).digest()[:4])
    key = 97 - (89 * BANK + 15 * PLACE + 3 * own) % 97
    number = f"{BANK:05d}{PLACE:05d}{own:011d}{key:02d}"
    return f"FR{98 - int(f'{number}152700') % 97:02d}{number}"


def _balance(code: str, amount: Decimal, on: date) -> str:
    sign = "CRDT" if amount >= 0 else "DBIT"
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    money = f'<Amt Ccy="EUR">{abs(amount)}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
    return f"<Bal>{kind}{money}<Dt><Dt>{on}</Dt></Dt></Bal>"


def _entry(one: Booked) -> str:
    # Money that comes back keeps the parties of the first time.
    name = f"<Dbtr><Nm>{escape(one.payer)}</Nm></Dbtr>" if one.payer else ""
    account = f"<DbtrAcct><Id><IBAN>{one.account}</IBAN></Id></DbtrAcct>" if one.account else ""
    strd = f"<Strd><CdtrRefInf><Ref>{one.structured}</Ref></CdtrRefInf></Strd>" if one.structured else ""
    text = f"<Ustrd>{escape(one.text)}</Ustrd>" if one.text else ""
    ends = f"<Refs><EndToEndId>{one.end_to_end or 'NOTPROVIDED'}</EndToEndId></Refs>"
    back = "<RtrInf><Rsn><Cd>MD06</Cd></Rsn></RtrInf>" if one.back else ""
    parties = f"<RltdPties>{name}{account}</RltdPties>" if name or account else ""
    details = f"{ends}{parties}<RmtInf>{text}{strd}</RmtInf>{back}"
    mark = f"<AcctSvcrRef>{one.mark}</AcctSvcrRef>" if one.mark else ""
    sign = "CRDT" if one.amount > 0 else "DBIT"
    days = f"<BookgDt><Dt>{one.on}</Dt></BookgDt><ValDt><Dt>{one.on}</Dt></ValDt>"
    return (
        f'<Ntry><Amt Ccy="EUR">{abs(one.amount)}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"{days}{mark}<NtryDtls><TxDtls>{details}</TxDtls></NtryDtls></Ntry>"
    )
