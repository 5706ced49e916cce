"""How a debtor pays without typing: the structured reference and the QR code of a SEPA transfer.

In: the ISO 11649 creditor reference (RF), the EPC069-12 code as PNG and SVG.
Not in: which amount is asked for (domain/), and where the code is printed (email.py, letter.py).
"""

import hashlib
import io
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import segno
from segno import helpers
from stdnum import bic as bic_number
from stdnum import iban as iban_number
from stdnum.exceptions import ValidationError

from domain.fact import CENT
from domain.faults import InputRefused
from domain.reminder import Reminder

REFERENCE_LENGTH = 21
NAME_LENGTH = 70
NAME_BYTES = 160
LARGEST = Decimal("999999999.99")
_KEPT = 13


@dataclass(frozen=True)
class PaymentCode:
    """Holds the QR code of one transfer, as a picture for screens and as a drawing for print."""

    png: bytes
    svg: str


def creditor_reference(number: str) -> str:
    """Builds the RF reference of an invoice number.

    Only letters and digits count. What does not fit into 21 characters keeps its beginning and gets
    eight digits of its SHA-256, so that long numbers remain apart. Raises InputRefused for a number
    without a letter or a digit.
    """
    body = _body(number)
    rest = "".join(str(int(char, 36)) for char in body + "RF00")
    return f"RF{98 - int(rest) % 97:02d}{body}"


def reference_of(reminder: Reminder) -> str:
    """Gives the reference to quote: the invoice's own, or the message's where it speaks for several.

    A message about several invoices must not be paid under the number of one of them, so its
    reference derives from the reminder's id.
    """
    if len(reminder.lines) == 1:
        return creditor_reference(reminder.lines[0].number)
    return creditor_reference(f"REL{reminder.id.hex[:12]}")


def checked_iban(iban: str) -> str:
    """Gives an IBAN without spaces; raises InputRefused where its check digits are wrong.

    The QR library takes any IBAN, so that a mistyped one would be printed and paid to nobody.
    """
    try:
        return str(iban_number.validate(iban, check_country=False))
    except ValidationError:
        remedy = "the check digits do not match; copy the IBAN from the bank's own document"
        raise InputRefused(field="creditor.iban", value=iban, remedy=remedy) from None


@lru_cache(maxsize=128)
def payment_code(
    *, name: str, iban: str, amount: Decimal, currency: str, reference: str, bic: str | None = None
) -> PaymentCode | None:
    """Draws the code of a transfer; None where no SEPA code can carry it (not in euros, out of range).

    `amount` is in euros. Raises InputRefused for an IBAN with wrong check digits, a BIC of a wrong form
    or an empty name. The last codes are remembered: drawing one takes longer than all the rest of a
    message, and a message needs it several times.
    """
    bare = checked_iban(iban)
    beneficiary = _beneficiary(name)
    if bic and not bic_number.is_valid(bic):
        raise InputRefused(
            field="creditor.bic",
            value=bic,
            remedy="a BIC has 8 or 11 characters; copy it from the bank's own document",
        )
    if currency != "EUR" or not CENT <= amount <= LARGEST:
        return None
    code = helpers.make_epc_qr(
        name=beneficiary, iban=bare, amount=amount, reference=reference, bic=bic or None, encoding="utf-8"
    )
    return PaymentCode(png=_png(code), svg=_svg(code))


def _beneficiary(name: str) -> str:
    """Shortens a name to what the code holds: 70 characters, and few enough bytes for the rest to fit."""
    short = name[:NAME_LENGTH].encode()[:NAME_BYTES].decode(errors="ignore").strip()
    if not short:
        raise InputRefused(
            field="creditor.legal_name", value=name, remedy="write the name of the account's holder"
        )
    return short


def _body(number: str) -> str:
    compact = "".join(char for char in number.upper() if char.isascii() and char.isalnum())
    if not compact:
        remedy = "a payment reference needs at least one letter or digit"
        raise InputRefused(field="number", value=number, remedy=remedy)
    if len(compact) <= REFERENCE_LENGTH:
        return compact
    return compact[:_KEPT] + hashlib.sha256(compact.encode()).hexdigest()[: REFERENCE_LENGTH - _KEPT].upper()


def _png(code: segno.QRCode) -> bytes:
    target = io.BytesIO()
    code.save(target, kind="png", scale=5, border=4, dark="#000", light="#fff")
    return target.getvalue()


def _svg(code: segno.QRCode) -> str:
    target = io.BytesIO()
    code.save(target, kind="svg", scale=1, border=2, dark="#000", light="#fff", xmldecl=False)
    return target.getvalue().decode()
