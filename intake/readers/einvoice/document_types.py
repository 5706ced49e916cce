"""Kinds of document (BT-3): what asks for money, what takes money back, what does neither.

In: the codes of UNTDID 1001 in EN 16931 and its French subset (BR-FR-04), and what a document means.
Not in: the events that follow (events.py).
"""

from enum import Enum

from domain.fact import ZERO
from domain.faults import InputRefused
from intake.readers.einvoice.model import EInvoice
from intake.readers.rows import shown

INVOICES = {
    "80": "debit note",
    "82": "metered services invoice",
    "84": "debit note",
    "326": "partial invoice",
    "331": "invoice with packing list",
    "380": "invoice",
    "383": "debit note",
    "385": "consolidated invoice",
    "386": "prepayment invoice",
    "387": "hire invoice",
    "388": "tax invoice",
    "389": "self-billed invoice",
    "390": "delcredere invoice",
    "393": "factored invoice",
    "394": "lease invoice",
    "395": "consignment invoice",
    "500": "self-billed prepayment invoice",
    "501": "self-billed factored invoice",
    "527": "self-billed debit note",
    "575": "insurer's invoice",
    "623": "forwarder's invoice",
    "633": "port charges",
    "780": "freight invoice",
    "875": "partial construction invoice",
    "876": "partial final construction invoice",
    "877": "final construction invoice",
}
"""Documents that ask for money."""

CREDIT_NOTES = frozenset(
    ["81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"]
)
"""Documents that take money back; their amounts are above zero."""

CORRECTED = frozenset({"384", "471", "472", "473"})
"""Invoices that correct another: what is taken back is below zero."""

FACTORED = frozenset({"393", "472", "473", "501"})
"""Invoices that a factor collects."""


class Meaning(Enum):
    """Says what a document is for the record."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit note"
    NOTHING = "nothing"


def called(code: str) -> str:
    """Names a type in words."""
    return INVOICES.get(code) or ("credit note" if code in CREDIT_NOTES else "corrected invoice")


def meaning_of(invoice: EInvoice) -> Meaning:
    """Tells what a document is, by its type and its sign; raises InputRefused where that is not clear."""
    code, asked = invoice.type_code, invoice.asked
    if code not in CREDIT_NOTES | CORRECTED | INVOICES.keys():
        raise _refused(code, "is no type of invoice or credit note that is followed; leave the document out")
    if invoice.syntax == "UBL CreditNote" and code not in CREDIT_NOTES:
        raise _refused(code, "is no type of credit note, while the document is one; have it corrected")
    if asked == ZERO:
        return Meaning.NOTHING
    if code in CREDIT_NOTES:
        if asked < ZERO:
            remedy = f"is a credit note of {asked}; its amounts must be above zero, have it corrected"
            raise _refused(code, remedy)
        return Meaning.CREDIT_NOTE
    if asked < ZERO:
        return Meaning.CREDIT_NOTE
    if code in CORRECTED:
        remedy = (
            "is a corrected invoice, which replaces another: cancel that one by a credit note and send this "
            "one as 380, or give it as JSON, as the next version of the invoice"
        )
        raise _refused(code, remedy)
    if invoice.prepaid < ZERO:
        paid = "BT-113 paid amount"
        raise InputRefused(paid, str(invoice.prepaid), "is below zero; have the invoice corrected")
    return Meaning.INVOICE


def _refused(code: str, remedy: str) -> InputRefused:
    return InputRefused("BT-3 type code", shown(code), remedy)
