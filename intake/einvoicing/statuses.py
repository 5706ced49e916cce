"""The statuses of French e-invoicing: their names, who can state them, and which takes back which.

In: the rules about statuses of one invoice (AFNOR XP Z12-012), whatever the order in which they came.
Not in: how a message is read (readers/cdar.py), and what a status sets going (lifecycle.py).
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC
from enum import StrEnum
from typing import NamedTuple

from domain.actions import Because, Rule
from domain.agreements import DisputeReason
from domain.events import StatusReported

LABELS = {
    "en": {
        "200": "deposited",
        "201": "issued",
        "202": "received",
        "203": "made available",
        "204": "taken in charge",
        "205": "approved",
        "206": "approved in part",
        "207": "in dispute",
        "208": "suspended",
        "209": "completed",
        "210": "refused",
        "211": "payment sent",
        "212": "cashed",
        "213": "rejected",
        "214": "signed off",
        "220": "cancelled",
        "221": "routing error",
        "224": "direct payment asked for",
        "225": "factored",
        "226": "factored confidentially",
        "227": "another account to pay",
        "228": "no longer factored",
        "501": "inadmissible",
    },
    "fr": {
        "200": "déposée",
        "201": "émise",
        "202": "reçue",
        "203": "mise à disposition",
        "204": "prise en charge",
        "205": "approuvée",
        "206": "approuvée partiellement",
        "207": "en litige",
        "208": "suspendue",
        "209": "complétée",
        "210": "refusée",
        "211": "paiement transmis",
        "212": "encaissée",
        "213": "rejetée",
        "214": "visée",
        "220": "annulée",
        "221": "erreur de routage",
        "224": "demande de paiement direct",
        "225": "affacturée",
        "226": "affacturée confidentiellement",
        "227": "changement de compte à payer",
        "228": "non affacturée",
        "501": "irrecevable",
    },
}
"""What each status is called; those about flows of data alone have no name here."""

BUYERS = frozenset({"BY", "AB", "IV", "PR"})
"""The buyer, his agent, the invoicee, the payer (UNCL 3035)."""

SELLERS = frozenset({"SE", "SR", "II", "PE", "DL"})
"""The seller, his agent, the invoicer, the payee, the factor."""

BY_BUYERS = frozenset({"204", "205", "206", "207", "208", "210", "211"})
BY_SELLERS = frozenset({"212", "220", "225", "226", "228"})
"""The statuses that one side alone can state; platforms pass on either's."""

REFUSED = frozenset({"210", "220"})
NOT_ACCEPTED = frozenset({"213", "221", "501"})
ACCEPTED = frozenset({"200", "201", "202", "203", "204", "205", "206", "207", "208", "211", "212"})
"""What the debtor refused or the seller cancelled stands until the invoice is mended; what a platform did
not accept stands until a later status shows that it went through after all."""

REPLACED_BY = {
    "206": frozenset({"205", "206", "207"}),
    "207": frozenset({"205", "206", "207"}),
    "208": frozenset({"205", "206", "207", "209"}),
    "211": frozenset({"212"}),
    "225": frozenset({"225", "226", "228"}),
    "226": frozenset({"225", "226", "228"}),
    "228": frozenset({"225", "226", "228"}),
} | dict.fromkeys(NOT_ACCEPTED, ACCEPTED)
"""The later statuses that take back what a status sets going."""

CONTESTED = {
    DisputeReason.PRICE: ("PU_ERR", "REM_ERR", "CALCUL_ERR", "MONTANTTOTAL_ERR"),
    DisputeReason.QUANTITY: ("QTE_ERR",),
    DisputeReason.QUALITY: ("QUALITE_ERR",),
    DisputeReason.DELIVERY: ("LIVR_INCOMP", "ART_ERR"),
    DisputeReason.DUPLICATE: ("DOUBLON", "DOUBLE_FACT"),
    DisputeReason.ORDER: ("CMD_ERR", "REF_CT_ABSENT", "REF_ERR", "CONTRAT_TERM"),
    DisputeReason.TAX: ("TX_TVA_ERR",),
    DisputeReason.DETAILS: (
        *("COORD_BANC_ERR", "ADR_ERR", "SIRET_ERR", "CODE_ROUTAGE_ERR", "MODPAI_ERR", "NON_CONFORME"),
    ),
    DisputeReason.NOT_OURS: ("DEST_ERR", "DEST_INC", "TRANSAC_INC", "EMMET_INC"),
}
"""What a debtor contests, by the reason codes of the message; AUTRE and all others are OTHER."""


class Word(StrEnum):
    """Tells how much a status counts: heeded, a claim of the debtor's side, or only noted."""

    HEEDED = "heeded"
    CLAIMED = "claimed"
    NOTED = "noted"


class Reported(NamedTuple):
    """Holds a status on record: how much it counted, and which payment its money was found to be."""

    revision: int
    status: StatusReported
    word: Word
    same_as: str | None = None


def word_of(status: StatusReported) -> Word:
    """Tells how much a status counts, by who reports it.

    A debtor cannot say in the creditor's place that money came or that the debt was sold: that is a claim.
    Nor does the creditor's word stand for the debtor's.
    """
    if status.reporter in BUYERS and status.code in BY_SELLERS:
        return Word.CLAIMED
    return Word.NOTED if status.reporter in SELLERS and status.code in BY_BUYERS else Word.HEEDED


def key_of(status: StatusReported) -> str:
    """Gives what a status is known by; its message's id alone may return for another invoice or instant."""
    at = status.at.astimezone(UTC).isoformat()
    said = f"{status.creditor}|{status.message}|{status.number}|{status.code}|{at}"
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def replacing(status: StatusReported, others: Iterable[Reported]) -> StatusReported | None:
    """Finds a later status that takes back what this one would set going."""
    later = (one.status for one in others if one.word is Word.HEEDED and one.status.at > status.at)
    return next((one for one in later if one.code in REPLACED_BY.get(status.code, ())), None)


def replaced(status: StatusReported, others: Iterable[Reported]) -> list[StatusReported]:
    """Lists the earlier statuses of which this one takes back what they set going."""
    return [
        one.status
        for one in others
        if one.status.at < status.at and status.code in REPLACED_BY.get(one.status.code, ())
    ]


def blocking(statuses: Iterable[Reported]) -> StatusReported | None:
    """Finds the status that keeps an invoice from going on; instants decide what came later."""
    known = sorted((one for one in statuses if one.word is Word.HEEDED), key=lambda one: one.status.at)
    heeded = [one.status for one in known]
    factoring = [one for one in heeded if one.code in {"225", "226", "228"}]
    if factoring and factoring[-1].code == "225":
        return factoring[-1]
    stand = [
        one
        for one in heeded
        if one.code in REFUSED or (one.code in NOT_ACCEPTED and replacing(one, known) is None)
    ]
    return stand[-1] if stand else None


def because_of(status: StatusReported) -> Because:
    """Says in the words of the rules why an invoice cannot go on."""
    rule = Rule.FACTORED if status.code == "225" else Rule.REJECTED
    return Because(rule=rule, reference=status.code)


def contested(reasons: Iterable[str]) -> DisputeReason:
    """Tells what a debtor contests by the first reason that says it."""
    found = (why for code in reasons for why, codes in CONTESTED.items() if code in codes)
    return next(found, DisputeReason.OTHER)


def label(code: str, language: str = "en") -> str:
    """Names a status; one without a name keeps its code."""
    return LABELS.get(language, LABELS["en"]).get(code, code)
