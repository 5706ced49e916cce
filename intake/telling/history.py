"""The history of a case in words: a sentence for each entry of the journal.

In: the sentences, in French and English, and the facts that fill them in.
Not in: reasons (domain/explanation.py), and the journal itself (ledger/journal.py).
"""

import re
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from domain.actions import Because
from domain.explanation import explain
from intake.einvoicing.statuses import label
from intake.telling import agreed, words
from ledger.journal import Entry

SENTENCES: dict[str, dict[str, str]] = {
    "en": {
        "account.replanned": "planned anew",
        "agreement.approved": "{agreement_kind} {agreement} approved by {author}",
        "agreement.broken": "{agreement_kind} {agreement} broken, {came} received",
        "agreement.ended": "{agreement_kind} {agreement} ended by {author} ({how}): {reason}",
        "agreement.expired": "{agreement_kind} {agreement} has run out",
        "agreement.kept": "{agreement_kind} {agreement} kept",
        "agreement.made": "{kind} {id} recorded by {author}",
        "agreement.partly": "{agreement_kind} {agreement} kept in part, {came} received",
        "agreement.running": "{agreement_kind} {agreement} runs again",
        "bank.answered": "bank entry {entry} booked by {author}",
        "bank.undone": "the booking of bank entry {entry} was undone by {author}: {reason}",
        "case.blocked": "cannot go on: {because}",
        "case.closed": "closed: {because}",
        "case.policy_moved": "moved to the policy {policy} by {author}",
        "case.postponed": "the creditor's messages of the day were used up: its place is on {to}",
        "case.reopened": "reopened: the debt is open again",
        "case.unblocked": "can go on",
        "credit_note.cancelled": "credit note {number} cancelled",
        "credit_note.issued": "credit note {number} of {total}",
        "debtor.answered": "the customer answered by the link: {said}",
        "hold.lifted": "hold lifted by {author}",
        "hold.placed": "held until {until} by {author}: {reason}",
        "invoice.opened": "taken in: {total}, due {due}, under {policy}",
        "invoice.reinstated": "write-off taken back: {reason}",
        "invoice.revised": "corrected (version {version}): {total}, due {due}",
        "invoice.written_off": "written off, {open} open: {reason}",
        "mail.automatic": "an automatic answer came to the message {message}",
        "mail.replied": "the customer wrote: mail {mail}, about {invoices}",
        "message.ambiguous": "nobody can know whether the message {message} left: {why}",
        "message.bounced": "the message {message} came back ({status})",
        "message.delayed": "the message {message} is late on its way ({status})",
        "message.failed": "the message {message} did not leave: {error}",
        "message.judged": "{author} judged the message {message} ({judgement}): {reason}",
        "message.reserved": "{step}: the message {message} is being prepared ({invoices})",
        "message.restored": "{author} put the message {message} back on record after a restore ({invoices})",
        "message.sent": "the message {message} left ({invoices})",
        "message.taken_over": "the message {message} is tried again",
        "message.voided": "the message {message} was voided by {author}: {reason}",
        "payment.allocated": "payment {reference} allocated by {author}",
        "payment.received": "payment of {amount} on {received}",
        "payment.reversed": "payment {reference} of {amount} came back",
        "status.reported": "e-invoicing: {label} ({code})",
        "step.approved": "{step} approved by {author}",
        "step.hurried": "{step} asked for at once by {author}",
        "step.skipped": "{step} skipped by {author}: {reason}",
        "step.taken": "{step}: {outcome}",
        "task.closed": "task done by {author}: {resolution}",
        "task.opened": "task given: {task_kind}, for {due_on}",
        "task.reopened": "task given again: {task_kind}, for {due_on}",
    },
    "fr": {
        "account.replanned": "planifiée de nouveau",
        "agreement.approved": "{agreement_kind} {agreement} : accord donné par {author}",
        "agreement.broken": "{agreement_kind} {agreement} : non tenu, {came} reçus",
        "agreement.ended": "{agreement_kind} {agreement} : terminé par {author} ({how}) : {reason}",
        "agreement.expired": "{agreement_kind} {agreement} : arrivé à son terme",
        "agreement.kept": "{agreement_kind} {agreement} : tenu",
        "agreement.made": "{kind} {id} : noté par {author}",
        "agreement.partly": "{agreement_kind} {agreement} : tenu en partie, {came} reçus",
        "agreement.running": "{agreement_kind} {agreement} : court de nouveau",
        "bank.answered": "écriture bancaire {entry} affectée par {author}",
        "bank.undone": "affectation de l'écriture bancaire {entry} annulée par {author} : {reason}",
        "case.blocked": "ne peut pas continuer : {because}",
        "case.closed": "close : {because}",
        "case.policy_moved": "passée à la politique {policy} par {author}",
        "case.postponed": "les messages du jour de ce créancier étaient épuisés : sa place est le {to}",
        "case.reopened": "rouverte : la dette est de nouveau ouverte",
        "case.unblocked": "peut continuer",
        "credit_note.cancelled": "avoir {number} annulé",
        "credit_note.issued": "avoir {number} de {total}",
        "debtor.answered": "le client a répondu par son lien : {said}",
        "hold.lifted": "suspension levée par {author}",
        "hold.placed": "suspendue jusqu'au {until} par {author} : {reason}",
        "invoice.opened": "prise en compte : {total}, échéance {due}, politique {policy}",
        "invoice.reinstated": "passage en perte annulé : {reason}",
        "invoice.revised": "corrigée (version {version}) : {total}, échéance {due}",
        "invoice.written_off": "passée en perte, {open} ouverts : {reason}",
        "mail.automatic": "une réponse automatique est venue au message {message}",
        "mail.replied": "le client a écrit : courriel {mail}, au sujet de {invoices}",
        "message.ambiguous": "nul ne peut savoir si le message {message} est parti : {why}",
        "message.bounced": "le message {message} est revenu ({status})",
        "message.delayed": "le message {message} tarde en chemin ({status})",
        "message.failed": "le message {message} n'est pas parti : {error}",
        "message.judged": "{author} a jugé le message {message} ({judgement}) : {reason}",
        "message.reserved": "{step} : le message {message} se prépare ({invoices})",
        "message.restored": "{author} a rétabli le message {message} après une restauration ({invoices})",
        "message.sent": "le message {message} est parti ({invoices})",
        "message.taken_over": "le message {message} est tenté de nouveau",
        "message.voided": "le message {message} a été annulé par {author} : {reason}",
        "payment.allocated": "paiement {reference} affecté par {author}",
        "payment.received": "paiement de {amount} le {received}",
        "payment.reversed": "le paiement {reference} de {amount} est revenu impayé",
        "status.reported": "facturation électronique : {label} ({code})",
        "step.approved": "{step} accordée par {author}",
        "step.hurried": "{step} demandée sans attendre par {author}",
        "step.skipped": "{step} sautée par {author} : {reason}",
        "step.taken": "{step} : {outcome}",
        "task.closed": "tâche faite par {author} : {resolution}",
        "task.opened": "tâche confiée : {task_kind}, pour le {due_on}",
        "task.reopened": "tâche confiée de nouveau : {task_kind}, pour le {due_on}",
    },
}

ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

JUDGEMENTS = {
    "en": {True: "delivered", False: "not delivered"},
    "fr": {True: "arrivé", False: "non arrivé"},
}


class _Known(dict[str, object]):
    """Fills in what is known, and a dash for what an older entry does not say."""

    def __missing__(self, key: str) -> str:
        return "-"


def told(entry: Entry, language: str) -> str:
    """Says in a sentence what an entry of the journal records; a kind without words is named as it is."""
    sentence = SENTENCES[language].get(entry.kind)
    if sentence is None:
        return entry.kind
    return sentence.format_map(_Known(_facts(entry.facts, language)))


def _facts(facts: dict[str, Any], language: str) -> dict[str, object]:
    """Flattens the facts of an entry into what the sentences may name."""
    stated = facts["stated"] if isinstance(facts.get("stated"), dict) else {}
    known: dict[str, object] = dict(stated)
    for name in ("hold", "taken", "agreement"):
        # A hold that is lifted is named by its id alone.
        if isinstance(facts.get(name), dict):
            known |= facts[name]
    known |= {name: value for name, value in facts.items() if isinstance(value, str | int) and value != ""}
    currency = stated.get("currency")
    for name in ("total", "amount"):
        if currency and name in stated:
            known[name] = words.sum_of(Decimal(stated[name]), currency, language)
    known["due"] = stated.get("due_date", "-")
    known["received"] = stated.get("received_on", "-")
    known["label"] = label(str(stated.get("code")), language)
    if isinstance(facts.get("invoices"), list):
        known["invoices"] = ", ".join(str(number) for number in facts["invoices"])
    if "outcome" in known:
        known["outcome"] = words.label(str(known["outcome"]), language)
    if isinstance(facts.get("delivered"), bool):
        known["judgement"] = JUDGEMENTS[language][facts["delivered"]]
    known |= {name: str(facts[name])[:8] for name in ("message", "mail", "entry") if name in facts}
    if isinstance(facts.get("because"), dict):
        known["because"] = _reason(facts["because"], language)
    known |= _agreed(known, language)
    return {name: _day(value) if language == "fr" else value for name, value in known.items()}


def _agreed(known: dict[str, object], language: str) -> dict[str, object]:
    """Names in words the kind of an agreement, and how people ended it."""
    names = (name for name in ("kind", "agreement_kind", "how") if name in known)
    return {name: agreed.SAID[language].get(str(known[name]), known[name]) for name in names}


def _day(value: object) -> object:
    """Writes an ISO date as the French do; anything else stays as it is."""
    if isinstance(value, str) and ISO_DAY.fullmatch(value):
        return "/".join(reversed(value.split("-")))
    return value


def _reason(because: dict[str, Any], language: str) -> str:
    try:
        return explain(Because.model_validate(because), language)
    except ValidationError:
        return str(because.get("rule", "-"))
