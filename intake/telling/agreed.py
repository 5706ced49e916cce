"""Agreements in words: how each stands, what has come, what comes next.

In: their sentences in French and English, and what a program reads of them.
Not in: the commands (terminal/), reasons of plans (domain/explanation.py).
"""

from datetime import date
from typing import Any

from domain.account import Account
from domain.agreements import Agreement, Dispute, InstalmentPlan, Settlement
from domain.concluding import came, next_duty
from domain.fact import ZERO
from domain.standing import Standing
from intake.telling import words

SAID: dict[str, dict[str, str]] = {
    "en": {
        "title": "agreements",
        "id": "id",
        "kind": "kind",
        "debtor": "customer",
        "invoices": "invoices",
        "received": "received",
        "state": "state",
        "dispute": "dispute",
        "promise": "promise",
        "plan": "instalment plan",
        "settlement": "settlement",
        "pending": "waits for approval",
        "running": "running",
        "kept": "kept",
        "partly": "kept in part",
        "broken": "broken",
        "expired": "run out",
        "ended": "ended",
        "withdrawn": "withdrawn",
        "upheld": "upheld",
        "rejected": "rejected",
        "price": "price",
        "quantity": "quantity",
        "quality": "quality",
        "delivery": "delivery",
        "duplicate": "duplicate",
        "order": "order",
        "tax": "tax",
        "details": "details",
        "not_ours": "not the customer's",
        "other": "other",
        "contested": "{amount} contested ({reason}), {days} day(s) old",
        "contested_all": "contested ({reason}), {days} day(s) old",
        "answer": "to be answered by {until}",
        "by": "by {owner}",
        "agreed_promise": "{amount} by {by}",
        "agreed_plan": "{amount} in {count} instalments until {by}",
        "agreed_settlement": "{amount} by {by} instead of {owed}",
        "came": "{came} received",
        "duty": "{due} due by {by}",
        "what": "agreed",
        "next": "next",
    },
    "fr": {
        "title": "accords",
        "id": "id",
        "kind": "nature",
        "debtor": "client",
        "invoices": "factures",
        "received": "reçu",
        "state": "état",
        "dispute": "litige",
        "promise": "promesse",
        "plan": "échéancier",
        "settlement": "remise sous condition",
        "pending": "attend une décision",
        "running": "en cours",
        "kept": "tenu",
        "partly": "tenu en partie",
        "broken": "non tenu",
        "expired": "échu",
        "ended": "terminé",
        "withdrawn": "retiré",
        "upheld": "admis",
        "rejected": "rejeté",
        "price": "prix",
        "quantity": "quantité",
        "quality": "qualité",
        "delivery": "livraison",
        "duplicate": "doublon",
        "order": "commande",
        "tax": "TVA",
        "details": "mentions",
        "not_ours": "pas au client",
        "other": "autre",
        "contested": "{amount} contestés ({reason}), depuis {days} jour(s)",
        "contested_all": "contestée ({reason}), depuis {days} jour(s)",
        "answer": "réponse attendue au plus tard le {until}",
        "by": "de {owner}",
        "agreed_promise": "{amount} au plus tard le {by}",
        "agreed_plan": "{amount} en {count} échéances jusqu'au {by}",
        "agreed_settlement": "{amount} au plus tard le {by} au lieu de {owed}",
        "came": "{came} reçus",
        "duty": "{due} attendus au {by}",
        "what": "convenu",
        "next": "suite",
    },
}


def say(key: str, language: str, **facts: object) -> str:
    """Fills a sentence of agreements in a language."""
    return SAID[language][key].format(**facts)


def document(account: Account, agreement: Agreement, today: date) -> dict[str, Any]:
    """Writes an agreement out for a machine, with how it stands today."""
    duty = None if isinstance(agreement, Dispute) else next_duty(account, agreement)
    return agreement.model_dump(mode="json") | {
        "creditor": account.creditor.id,
        "debtor": account.debtor.id,
        "debtor_name": account.debtor.legal_name,
        "standing": account.standing(agreement, today),
        "age_days": (today - agreement.made_on).days,
        "came": None if isinstance(agreement, Dispute) else came(account, agreement, today),
        "next_duty": {"amount": duty.amount, "by": duty.by} if duty is not None else None,
    }


def standing(account: Account, agreement: Agreement, today: date, language: str) -> str:
    """Says how an agreement stands, and for one that people ended how."""
    how = account.standing(agreement, today)
    said = say(how.value, language)
    if how is Standing.ENDED and agreement.ended_how is not None:
        return f"{said} ({say(agreement.ended_how.value, language)})"
    return said


def what(account: Account, agreement: Agreement, today: date, language: str) -> str:
    """Says what was agreed."""
    currency = account.case(agreement.invoices[0]).invoice.currency

    def money(amount: Any) -> str:
        return words.sum_of(amount, currency, language)

    if isinstance(agreement, Dispute):
        facts = {"reason": say(agreement.reason.value, language), "days": (today - agreement.made_on).days}
        if agreement.amount is None:
            return say("contested_all", language, **facts)
        return say("contested", language, amount=money(agreement.amount), **facts)
    owed = agreement.owed or ZERO
    if isinstance(agreement, InstalmentPlan):
        last = words.on(agreement.instalments[-1].pay_by, language)
        count = len(agreement.instalments)
        return say("agreed_plan", language, amount=money(agreement.total), count=count, by=last)
    by = words.on(agreement.pay_by, language)
    if isinstance(agreement, Settlement):
        return say("agreed_settlement", language, amount=money(agreement.amount), by=by, owed=money(owed))
    return say("agreed_promise", language, amount=money(agreement.amount or owed), by=by)


def received(account: Account, agreement: Agreement, today: date, language: str) -> str:
    """Says how much has come since; nothing for a dispute."""
    if isinstance(agreement, Dispute):
        return ""
    currency = account.case(agreement.invoices[0]).invoice.currency
    return words.sum_of(came(account, agreement, today), currency, language)


def upcoming(account: Account, agreement: Agreement, today: date, language: str) -> str:
    """Says what comes next while an agreement is under way: a sum by a day, grace included, or an answer."""
    if account.standing(agreement, today) not in {Standing.PENDING, Standing.RUNNING, Standing.EXPIRED}:
        return ""
    if isinstance(agreement, Dispute):
        owner = say("by", language, owner=agreement.owner) if agreement.owner else ""
        answer = say("answer", language, until=words.on(agreement.until, language))
        return f"{answer} {owner}".strip()
    duty = next_duty(account, agreement)
    if duty is None:
        return ""
    currency = account.case(agreement.invoices[0]).invoice.currency
    still = max(ZERO, duty.amount - came(account, agreement, today))
    by = words.on(duty.by, language)
    return say("duty", language, due=words.sum_of(still, currency, language), by=by)


def sentence(account: Account, agreement: Agreement, today: date, language: str) -> str:
    """Says everything about an agreement in one line."""
    came_ = received(account, agreement, today, language)
    parts = [
        what(account, agreement, today, language),
        say("came", language, came=came_) if came_ else "",
        standing(account, agreement, today, language),
        upcoming(account, agreement, today, language),
    ]
    space = words.NARROW if language == "fr" else ""
    told = f"{space}; ".join(part for part in parts if part)
    return f"{say(agreement.kind, language)} {agreement.id}{space}: {told}"
