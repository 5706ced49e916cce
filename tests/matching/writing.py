"""How people write what they pay, and what banks make of it.

In: numbers mangled in every way that people know, texts in four languages, names and texts as banks cut them.
Not in: who pays what (habits.py).
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from random import Random

FORM = re.compile(r"\b(S\.?A\.?S\.?U?|SARL|EURL|SA|GMBH|LTD|LIMITED|S\.?L\.?)(?=\s|$)")
SPELLED = ["ae", "oe", "ue", "Ae", "Oe", "Ue", "ss", "oe", "OE"]
TWO_LETTERS = {ord(one): two for one, two in zip("äöüÄÖÜßœŒ", SPELLED, strict=True)}


def shown(text: str) -> str:
    """Writes a text as most banks do: capitals without accents, umlauts in two letters."""
    plain = unicodedata.normalize("NFKD", text.translate(TWO_LETTERS))
    return "".join(char for char in plain if not unicodedata.combining(char)).upper()


def cut(draw: Random, text: str) -> str:
    """Cuts a text at a length that banks like, and breaks its lines where the bank does."""
    length = draw.choices([27, 35, 70, 140], [4, 8, 18, 70])[0]
    text = text[:length]
    if draw.random() < 0.1:
        width = draw.choice([27, 35])
        text = " ".join(text[start : start + width] for start in range(0, len(text), width))
    return text


def payer(draw: Random, name: str) -> str | None:
    """Writes a company's name as its bank does: whole, cut, without its form, abbreviated, or not at all."""
    written = shown(name) if draw.random() < 0.85 else name
    lot = draw.random()
    if lot < 0.55:
        return written[: draw.choice([140, 70, 70, 35])]
    if lot < 0.72:
        return written[: draw.choice([18, 24, 27])]
    if lot < 0.84:
        return FORM.sub("", written).strip() or written
    if lot < 0.93:
        return " ".join(word[:4] if len(word) > 7 else word for word in written.split())
    return None


def _typo(draw: Random, number: str) -> str:
    """Makes one slip in the digits of a number."""
    places = [place for place, char in enumerate(number) if char.isdigit()]
    place = draw.choice(places)
    lot = draw.randrange(4)
    if lot == 0:
        return number[:place] + draw.choice("0123456789") + number[place + 1 :]
    if lot == 1:
        return number[:place] + number[place + 1 :]
    if lot == 2:
        return number[:place] + number[place] + number[place:]
    after = place + 1 if place + 1 in places else place
    return number[:place] + number[after] + number[place + 1 : after] + number[place] + number[after + 1 :]


def _digits(number: str) -> str:
    return re.sub(r"^\D+", "", number)


FACT_N = ["FACT N {}", "FACT N° {}", "Fact. n°{}", "FACTURE N {}"]

MANGLES: dict[str, Callable[[Random, str], str]] = {
    "spaces for dashes": lambda _, number: re.sub(r"[-/]", " ", number),
    "dashes dropped": lambda _, number: re.sub(r"[-/]", "", number),
    "prefix dropped": lambda _, number: _digits(number),
    "zeros dropped": lambda _, number: re.sub(r"(?<=[-/])0+(?=\d)", "", number),
    "lower case": lambda _, number: number.lower(),
    "FAC": lambda _, number: f"FAC {_digits(number)}",
    "FACT N": lambda draw, number: draw.choice(FACT_N).format(_digits(number)),
    "glued": lambda _, number: "FACTURE" + re.sub(r"\W", "", _digits(number)),
    "last digits": lambda draw, number: draw.choice(["fact {}", "{}", "n° {}"]).format(number[-4:]),
    "truncated": lambda draw, number: number[: -draw.choice([1, 2, 3])],
    "typo": _typo,
}  # fmt: skip

FRAMES = {
    "FR": ["{n}", "FACTURE {n}", "FACT {n} {who}", "Règlement facture {n}", "VIR {who} {n}", "{n} DU {d}",
           "Votre facture {n} du {d}",
           "CLIENT {c} FACTURE {n}", "{n} CDE {po}", "REF {po} {n}", "PAIEMENT {n} MERCI",
           "{who} {n} {a} EUR", "VIREMENT SEPA {n}"],
    "DE": ["RE {n}", "Rechnung {n} vom {d}", "Rg.Nr. {n} KD {c}", "{n}", "RECHNUNGSNR. {n} / {d}",
           "SVWZ+{n} KUNDENNR {c}"],
    "ES": ["Factura {n}", "FRA. {n}", "PAGO FRA {n} {d}", "{n}"],
    "GB": ["Invoice {n}", "INV {n}", "{n}", "PAYMENT {n} PO {po}", "{who} {n}"],
    "IT": ["Fattura {n} del {d}", "SALDO FATT {n}", "{n}"],
}  # fmt: skip
MUTE = ["VIREMENT", "VIR SEPA {who}", "REGLEMENT {d}", "PAIEMENT NOVEMBRE", "", "NOTPROVIDED", "REF {po}",
"{c}", "SALDO",
        "ZAHLUNG {d}", "PAYMENT", "VIR INST RE {c}", "DOSSIER {po} 33000 BORDEAUX"]  # fmt: skip


def frame(
    draw: Random, country: str, numbers: str, *, who: str, customer: str, amount: Decimal, day: date
) -> str:
    """Puts numbers, or nothing, into a text as customers write it."""
    shape = draw.choice(FRAMES[country] if numbers else MUTE)
    dated = draw.choice([f"{day:%d/%m/%Y}", f"{day:%d.%m.%y}", f"{day:%Y%m%d}", f"{day:%Y-%m-%d}"])
    written = shape.format(
        n=numbers,
        who=who,
        c=customer,
        po=draw.choice(
            [
                str(draw.randrange(1000, 99999)),
                f"BC-2026-{draw.randrange(1, 5000):04d}",
                "4500" + str(draw.randrange(10**6)),
            ]
        ),
        a=f"{amount:.2f}".replace(".", ","),
        d=dated,
    )
    return cut(draw, shown(written) if draw.random() < 0.7 else written)


def listed(draw: Random, numbers: list[str]) -> str:
    """Lists several numbers as people do; some shorten all but the first to their last digits."""
    if len(numbers) > 1 and draw.random() < 0.25:
        numbers = [numbers[0], *(number[-4:] for number in numbers[1:])]
    return draw.choice([" ", ", ", " + ", " et ", "/", ";", " - "]).join(numbers)
