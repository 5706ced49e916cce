"""How a debtor pays without typing: the structured reference and the QR code of a SEPA transfer.

In: the ISO 11649 creditor reference (RF), the EPC069-12 code as PNG and SVG.
Not in: which amount is asked for (domain/), and where the code is printed (email.py, letter.py).
"""

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache

import segno
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
_HEAD = ("BCD", "002", "1", "SCT")
"""The first lines of every code: what it is, its version, UTF-8, a SEPA credit transfer."""
_KEPT = 13

_MASK = 2
"""The mask of codes on screens: of the eight, the one that disturbs readers least on texts such as these.

The standard wants all eight drawn and compared, which takes longer than all the rest of an e-mail. A
reader is told which mask it sees, so the choice changes nothing in what is read.
"""

_MODULE = 5
_QUIET = 4
_LIGHT_AND_DARK = (b"\0", b"1" * _MODULE), (b"\1", b"0" * _MODULE)


@dataclass(frozen=True)
class PaymentCode:
    """Holds the QR code of one transfer; what is not asked for is not drawn."""

    text: str

    @cached_property
    def png(self) -> bytes:
        """Draws the picture for screens."""
        return _png(segno.make_qr(self.text.encode(), error="m", boost_error=False, mask=_MASK))

    @cached_property
    def svg(self) -> str:
        """Draws the code for print, where light and paper are worse: in the best of all masks."""
        return drawn(self.text)


def drawn(text: str) -> str:
    """Draws any text as a code for print, as SVG."""
    return _svg(segno.make_qr(text.encode(), error="m", boost_error=False))


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
    or an empty name. The last codes are remembered, because a message needs its own several times.
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
    euros = f"EUR{amount:.2f}".rstrip("0").rstrip(".")
    purpose = ""
    return PaymentCode("\n".join((*_HEAD, bic or "", beneficiary, bare, euros, purpose, reference)))


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
    """Draws a PNG of one bit a pixel; a module is several pixels wide, so that programs need not blur it."""
    margin = b"1" * (_MODULE * _QUIET)
    width = len(code.matrix) * _MODULE + 2 * len(margin)
    blank = _scanlines(b"1" * width) * _QUIET
    drawn = b"".join(_scanlines(margin + _pixels(bytes(row)) + margin) for row in code.matrix)
    header = struct.pack(">2I5B", width, width, 1, 0, 0, 0, 0)
    image = zlib.compress(blank + drawn + blank)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", image), (b"IEND", b""))
    )


def _pixels(row: bytes) -> bytes:
    """Writes a row of modules as pixels, `1` for white."""
    for module, pixels in _LIGHT_AND_DARK:
        row = row.replace(module, pixels)
    return row


def _scanlines(pixels: bytes) -> bytes:
    """Packs a row of pixels; the lines below it that make up a module only say that they are the same."""
    size = -(-len(pixels) // 8)
    line = int(pixels.ljust(size * 8, b"0"), 2).to_bytes(size, "big")
    return b"\0" + line + (b"\2" + bytes(size)) * (_MODULE - 1)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _svg(code: segno.QRCode) -> str:
    target = io.BytesIO()
    code.save(target, kind="svg", scale=1, border=2, dark="#000", light="#fff", xmldecl=False)
    return target.getvalue().decode()
