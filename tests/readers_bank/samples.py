"""The same movements as each bank format writes them.

In: movements, and one writer for each format.
Not in: anything that a bank wrote; names and accounts are invented.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.bank import BankStatement
from domain.faults import InputRefused
from intake.readers.bank import read

IBAN = "FR7630006000011234567890189"
OTHER_IBAN = "DE89370400440532013000"
OPENED, CLOSED = date(2026, 11, 1), date(2026, 11, 20)
OVERPUNCH = {1: "{ABCDEFGHI", -1: "}JKLMNOPQR"}
CAMT = "urn:iso:std:iso:20022:tech:xsd:"


@dataclass(frozen=True)
class Movement:
    """Holds what a bank knows of one movement; `amount` has its sign."""

    amount: Decimal
    on: date = date(2026, 11, 18)
    text: str = "FACTURE F-2026-0117"
    payer: str = "LE VERGER DU SUD"
    reference: str | None = None
    end_to_end: str | None = None

    @property
    def size(self) -> Decimal:
        """Gives the amount without its sign."""
        return abs(self.amount)

    @property
    def mark(self) -> str:
        """Gives the side as ISO 20022 names it."""
        return "CRDT" if self.amount > 0 else "DBIT"


MOVEMENTS = (
    Movement(Decimal("1840.00"), reference="B001", end_to_end="E2E-1"),
    Movement(Decimal("-12.40"), on=date(2026, 11, 19), text="FRAIS DE TENUE", payer="LA BANQUE"),
    Movement(Decimal("99.05"), on=date(2026, 11, 20), text="FACT 12 ET 13", reference="B003"),
)


def closing(movements: Sequence[Movement], opening: Decimal) -> Decimal:
    """Gives the balance to which the movements lead."""
    return opening + sum((each.amount for each in movements), Decimal(0))


def statements(data: str | bytes, **about: str | None) -> list[BankStatement]:
    """Reads a file in which nothing is refused."""
    found = read(data.encode() if isinstance(data, str) else data, "file", **about)
    good = [each for each in found if isinstance(each, BankStatement)]
    assert good == found, found
    return good


def only(data: str | bytes, **about: str | None) -> BankStatement:
    """Reads a file that holds one statement and nothing else."""
    (found,) = statements(data, **about)
    return found


def refusals(data: str | bytes, **about: str | None) -> list[InputRefused]:
    """Reads a file and gives what was refused of it."""
    found = read(data.encode() if isinstance(data, str) else data, "file", **about)
    return [each for each in found if isinstance(each, InputRefused)]


def tag(name: str, *inside: str | None, **attributes: str) -> str:
    """Writes an element; nothing where there is nothing inside."""
    content = "".join(filter(None, inside))
    attrs = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{attrs}>{content}</{name}>" if content else ""


def balance(code: str, value: Decimal, on: date, money: str = "EUR") -> str:
    """Writes a balance of ISO 20022."""
    kind = tag("Tp", tag("CdOrPrtry", tag("Cd", code)))
    side = tag("CdtDbtInd", "DBIT" if value < 0 else "CRDT")
    return tag(
        "Bal", kind, tag("Amt", f"{abs(value)}", Ccy=money), side, tag("Dt", tag("Dt", on.isoformat()))
    )


def party(role: str, name: str, iban: str) -> str:
    """Writes a party and its account."""
    return tag(role, tag("Nm", name)) + tag(f"{role}Acct", tag("Id", tag("IBAN", iban)))


def ntry(movement: Movement, *details: str, status: str = "<Sts>BOOK</Sts>", more: str = "") -> str:
    """Writes an entry of ISO 20022 with its details; one that names both parties where none are given."""
    into = movement.amount > 0
    us, them = ("Cdtr", "Dbtr") if into else ("Dbtr", "Cdtr")
    own = tag(
        "TxDtls",
        tag("Refs", tag("EndToEndId", movement.end_to_end or "NOTPROVIDED")),
        tag("RltdPties", party(them, movement.payer, OTHER_IBAN), party(us, "NOUS", IBAN)),
        tag("RmtInf", tag("Ustrd", movement.text)),
    )
    return tag(
        "Ntry",
        tag("Amt", str(movement.size), Ccy="EUR"),
        tag("CdtDbtInd", movement.mark),
        status,
        tag("BookgDt", tag("Dt", movement.on.isoformat())),
        tag("ValDt", tag("Dt", movement.on.isoformat())),
        tag("AcctSvcrRef", movement.reference),
        tag("NtryDtls", *(details or (own,))),
        more,
    )


def stmt(
    entries: str, first: Decimal | None, last: Decimal | None, *, name: str = "Stmt", head: str = ""
) -> str:
    """Writes a statement of ISO 20022 around its entries; without balances where none are given."""
    return tag(
        name,
        tag("Id", "S-1"),
        head or tag("ElctrncSeqNb", "7"),
        tag("CreDtTm", "2026-11-21T01:00:00+01:00"),
        tag("Acct", tag("Id", tag("IBAN", IBAN)), tag("Ccy", "EUR")),
        balance("OPBD", first, OPENED) if first is not None else "",
        balance("CLBD", last, CLOSED) if last is not None else "",
        entries,
    )


def document(*inside: str, message: str = "BkToCstmrStmt", version: str = "camt.053.001.02") -> str:
    """Writes a message of ISO 20022 around its statements."""
    space = f' xmlns="{CAMT}{version}"' if version else ""
    body = tag(message, tag("GrpHdr", tag("MsgId", "M-1")), *inside)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document{space}>{body}</Document>'


def camt053(movements: Sequence[Movement] = MOVEMENTS, opening: Decimal = Decimal(100)) -> str:
    """Writes a statement with both balances."""
    entries = "\n".join(ntry(each) for each in movements)
    return document(stmt(entries, opening, closing(movements, opening)))


def camt054(movements: Sequence[Movement] = MOVEMENTS) -> str:
    """Writes a notice, which has no balances."""
    entries = "".join(ntry(each) for each in movements)
    inside = stmt(entries, None, None, name="Ntfctn")
    return document(inside, message="BkToCstmrDbtCdtNtfctn", version="camt.054.001.02")


def overpunched(value: Decimal) -> str:
    """Writes an amount with two decimals as CFONB does, its sign in its last digit."""
    digits = f"{int(abs(value) * 100):014d}"
    return digits[:-1] + OVERPUNCH[-1 if value < 0 else 1][int(digits[-1])]


def record(code: str, on: date, *, middle: str = "", operation: str = "  ") -> str:
    """Writes a record of 120 characters; `middle` begins at place 40."""
    head = f"{code}30006    00001EUR2 12345678901{operation}{on:%d%m%y}"
    return f"{head}{middle}".ljust(120)[:120]


def balance_record(code: str, value: Decimal, on: date) -> str:
    """Writes an opening or a closing balance of CFONB."""
    return record(code, on, middle=" " * 50 + overpunched(value))


def cfonb120(movements: Sequence[Movement] = MOVEMENTS, opening: Decimal = Decimal(100)) -> str:
    """Writes a statement of CFONB 120."""
    lines = [balance_record("01", opening, OPENED)]
    for each in movements:
        label = f"  {each.on:%d%m%y}{'VIR SEPA':<32} 0000000  {overpunched(each.amount)}"
        lines.append(record("04", each.on, middle=label, operation="05"))
        told = {"NPY" if each.amount > 0 else "NBE": each.payer, "LCC": each.text}
        told |= {"REF": each.reference or "", "RCN": each.end_to_end or ""}
        lines += [record("05", each.on, middle=f"     {key}{text:<70}") for key, text in told.items() if text]
    lines.append(balance_record("07", closing(movements, opening), CLOSED))
    return "\r\n".join(lines) + "\r\n"


def mt940(movements: Sequence[Movement] = MOVEMENTS, opening: Decimal = Decimal(100)) -> str:
    """Writes a statement of SWIFT."""

    def told(value: Decimal) -> str:
        return f"{abs(value):.2f}".replace(".", ",")

    def balanced(field: str, value: Decimal, on: date) -> str:
        return f":{field}:{'D' if value < 0 else 'C'}{on:%y%m%d}EUR{told(value)}"

    lines = [":20:REF1", f":25:{IBAN}", ":28C:7/1", balanced("60F", opening, OPENED)]
    for each in movements:
        side = "C" if each.amount > 0 else "D"
        reference = f"//{each.reference}" if each.reference else ""
        lines.append(f":61:{each.on:%y%m%d}{each.on:%m%d}{side}{told(each.amount)}NTRFNONREF{reference}")
        eref = f"?20EREF+{each.end_to_end}?21SVWZ+" if each.end_to_end else "?20SVWZ+"
        lines.append(f":86:166?00GUTSCHRIFT{eref}{each.text}?31{OTHER_IBAN}?32{each.payer}")
    lines += [balanced("62F", closing(movements, opening), CLOSED), "-"]
    return "\r\n".join(lines) + "\r\n"


def ofx(
    movements: Sequence[Movement] = MOVEMENTS, opening: Decimal = Decimal(100), *, xml: bool = False
) -> str:
    """Writes a download of OFX: SGML without closing tags, or XML."""

    def leaf(name: str, value: str) -> str:
        return f"<{name}>{value}" + (f"</{name}>" if xml else "\n")

    def group(name: str, *inside: str) -> str:
        return f"<{name}>{''.join(inside)}</{name}>\n"

    moved = [
        group(
            "STMTTRN",
            leaf("TRNTYPE", "CREDIT" if each.amount > 0 else "DEBIT"),
            leaf("DTPOSTED", f"{each.on:%Y%m%d}120000[+1:CET]"),
            leaf("TRNAMT", str(each.amount)),
            leaf("FITID", each.reference or f"F{number}"),
            leaf("NAME", each.payer),
            leaf("MEMO", each.text),
        )
        for number, each in enumerate(movements)
    ]
    account = group(
        "BANKACCTFROM", leaf("BANKID", "30006"), leaf("BRANCHID", "00001"), leaf("ACCTID", "12345678901")
    )
    listed = group("BANKTRANLIST", leaf("DTSTART", "20261101"), leaf("DTEND", "20261120"), *moved)
    ledger = group("LEDGERBAL", leaf("BALAMT", str(closing(movements, opening))), leaf("DTASOF", "20261120"))
    body = group("STMTTRNRS", group("STMTRS", leaf("CURDEF", "EUR"), account, listed, ledger))
    head = (
        '<?xml version="1.0"?><?OFX OFXHEADER="200" VERSION="220"?>'
        if xml
        else "OFXHEADER:100\nVERSION:102\n\n"
    )
    return head + group("OFX", group("BANKMSGSRSV1", body))


def sheet(movements: Sequence[Movement] = MOVEMENTS) -> str:
    """Writes a CSV as French banks do, below two rows about the account."""
    rows = ["Compte courant;12345678901", "Solde;1 234,56", "Date;Date de valeur;Débit;Crédit;Libellé;Solde"]
    for each in movements:
        amount = f"{each.size:,.2f}".replace(",", " ").replace(".", ",")
        sides = f";{amount}" if each.amount > 0 else f"-{amount};"
        rows.append(f"{each.on:%d/%m/%Y};{each.on:%d/%m/%Y};{sides};{each.payer} {each.text};0,00")
    return "\n".join(rows) + "\n"


BALANCED = {"camt.053": camt053, "CFONB120": cfonb120, "MT940": mt940}
"""The formats that state both balances."""
