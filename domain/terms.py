"""Payment terms: which due date holds when an invoice does not carry one.

In: the order of fallbacks, and which one applied.
Not in: the caps on agreed terms (caps.py), and what happens after the due date.
"""

from datetime import date, timedelta

from domain.receivable import DueDateSource

LEGAL_TERM_DAYS = 30
"""Thirty days, where nothing was agreed (Code de commerce L441-10 I; Directive 2011/7/EU art. 3).

The law counts from the receipt of goods; the invoice date stands for it where the receipt is unknown.
"""


def due_date(
    issue_date: date,
    *,
    stated: date | None,
    terms_days: int | None,
    debtor_terms_days: int | None,
    creditor_terms_days: int | None,
) -> tuple[date, DueDateSource]:
    """Finds the due date and tells where it comes from.

    The date that the invoice states wins; then its own terms, those agreed with the debtor, the
    creditor's usual ones, and the legal default. Terms are days from the invoice date; a due date
    never moves for weekends or holidays.
    """
    if stated is not None:
        return stated, DueDateSource.INVOICE
    for days, source in (
        (terms_days, DueDateSource.TERMS),
        (debtor_terms_days, DueDateSource.DEBTOR_TERMS),
        (creditor_terms_days, DueDateSource.CREDITOR_TERMS),
    ):
        if days is not None:
            return issue_date + timedelta(days=days), source
    return issue_date + timedelta(days=LEGAL_TERM_DAYS), DueDateSource.LEGAL_DEFAULT
