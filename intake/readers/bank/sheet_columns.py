"""The columns of CSV files that the web sites of banks give.

In: their French and English names, and the header found below what stands before it.
Not in: the rows (sheet.py), and files of invoices or payments (readers/columns.py).
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from domain.faults import InputRefused
from intake.readers import columns
from intake.readers.csv_rows import DELIMITERS, Record
from intake.readers.rows import shown
from intake.readers.written import folded

DEEPEST_HEADER = 40
"""How many rows about the account may stand before the header."""

MONEY = re.compile(r"(.*?) (?:en |in )?(eur|euros?|usd|gbp|chf)")
EURO = {"euro", "euros"}


def names(text: str) -> tuple[str, ...]:
    """Cuts a list of names at its bars, and writes each as names are compared."""
    return tuple(folded(name) for name in text.split("|"))


COLUMNS = {
    "booked_on": names("""
        date comptable | date de comptabilisation | date de comptabilité | booking date | posting date |
        posted date | posted on | entry date | date opération | date d'opération | date de l'opération |
        dateop | date écriture | date d'écriture | transaction date | completed date | date completed |
        date completed utc | settlement date | settlement date utc | date
    """),
    "value_on": names("date de valeur | date valeur | dateval | valeur | value date | value"),
    "debit": names("""
        débit | montant débit | montant débité | montant au débit | debit | debit amount | amount debit |
        paid out | money out | withdrawal | withdrawals
    """),
    "credit": names("""
        crédit | montant crédit | montant crédité | montant au crédit | credit | credit amount |
        amount credit | paid in | money in | deposit | deposits
    """),
    "amount": names("""
        montant | montant de l'opération | montant opération | montant signé | amount | transaction amount |
        signed amount
    """),
    "side": names("sens | débit/crédit | crédit/débit | D/C | C/D | debit/credit | credit/debit"),
    "currency": names("devise | code devise | monnaie | currency | currency code | ccy"),
    "balance": names("""
        solde | solde comptable | solde après opération | accountbalance | balance | running balance
    """),
    "bank_reference": names("""
        référence bancaire | référence banque | identifiant opération | identifiant de l'opération |
        numéro d'opération | n° opération | id transaction | transaction id | bank reference | id
    """),
    "end_to_end": names("référence de bout en bout | end to end | end to end id | endtoendid"),
    "payer": names("""
        contrepartie | nom contrepartie | nom de la contrepartie | tiers | donneur d'ordre | émetteur |
        counterparty | counterparty name | payer | payer name | payee | beneficiary | name
    """),
    "payer_account": names("""
        iban contrepartie | compte contrepartie | counterparty iban | counterparty account | payer account |
        payer iban
    """),
    "account": names("""
        numéro de compte | n° de compte | n° compte | compte | rib | iban | accountnum | account number |
        account iban | account
    """),
    "status": names("statut | état | status | state"),
}
"""The names of columns by field, the best first."""

REFERENCES = names("""
    référence | réf | référence client | référence opération | numéro de pièce | reference |
    client reference | customer reference
""")
TEXTS = {
    *REFERENCES,
    *names("""
        libellé | libellé de l'opération | libellé opération | libellé simplifié | libellé complet |
        libellé complémentaire | libellé interne | détail | détails | détail de l'écriture | intitulé |
        informations | informations complémentaires | motif | communication | commentaire | description |
        label | details | narrative | memo | note | comment | purpose | remittance information |
        payment details | additional information
    """),
}
"""The names of columns whose text counts, wherever they stand."""


@dataclass(frozen=True)
class Sheet:
    """Says what the columns of a file mean; `money` is the currency that the header names."""

    delimiter: str
    header: tuple[str, ...]
    places: Mapping[str, int]
    texts: tuple[int, ...]
    money: str | None
    unused: tuple[str, ...]


def find(records: Iterator[Record]) -> Sheet | None:
    """Finds the header among the first rows, and consumes them up to it; None if there is none."""
    for record in islice(records, DEEPEST_HEADER):
        for delimiter in DELIMITERS:
            cells = cut(record.text, delimiter)
            found = _sheet(delimiter, cells) if cells else None
            if found is not None:
                return found
    return None


def is_bank(sheet: Sheet) -> bool:
    """Tells whether a file is a bank's, and none that accounting programs make."""
    if {"debit", "credit"} <= set(sheet.places):
        return True
    told = {folded(sheet.header[place]) for place in sheet.texts} - {*REFERENCES}
    if not told and not {"value_on", "balance", "side"} & set(sheet.places):
        return False
    try:
        columns.layout(sheet.header)
    except InputRefused:
        return True
    return False


def refuse_twins(sheet: Sheet) -> None:
    """Raises InputRefused where one name stands over two columns that count."""
    bare = [folded(name) for name in sheet.header]
    for place in sheet.places.values():
        if bare.count(bare[place]) > 1:
            raise InputRefused("header", shown(sheet.header[place]), "stands over two columns; keep one")


def cut(text: str, delimiter: str) -> list[str] | None:
    """Cuts a row into cells; None where its quotes stand in wrong places."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _sheet(delimiter: str, cells: Sequence[str]) -> Sheet | None:
    """Reads a header; None for a row that is none."""
    bare = [_without_money(folded(cell)) for cell in cells]
    plain = [name for name, _ in bare]
    ranked = sorted(
        (rank, field, plain.index(name))
        for field, known in COLUMNS.items()
        for rank, name in enumerate(known)
        if name in plain
    )
    places: dict[str, int] = {}
    for _, field, place in ranked:
        if field not in places and place not in places.values():
            places[field] = place
    texts = tuple(place for place, name in enumerate(plain) if name in TEXTS and place not in places.values())
    days, sums = {"booked_on", "value_on"} & set(places), {"debit", "credit"} <= set(places)
    if not days or not (sums or "amount" in places) or not (texts or "payer" in places):
        return None
    moneys = {bare[places[field]][1] for field in ("amount", "debit", "credit") if field in places} - {None}
    used = {*places.values(), *texts}
    unused = tuple(cell.strip() for place, cell in enumerate(cells) if place not in used and cell.strip())
    return Sheet(delimiter, tuple(cells), places, texts, moneys.pop() if len(moneys) == 1 else None, unused)


def _without_money(name: str) -> tuple[str, str | None]:
    """Parts a name such as "montant en euros" from the currency in it."""
    found = MONEY.fullmatch(name)
    if found is None:
        return name, None
    return found[1], "EUR" if found[2] in EURO else found[2].upper()
