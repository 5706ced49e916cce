"""Why money is taken to be for an invoice, and what speaks against it, said in one sentence.

In: the reasons of a proposal, and a sentence for each in English and French.
Not in: the rules that find them (matching.py).
"""

from collections.abc import Iterable
from enum import StrEnum


class Reason(StrEnum):
    """Says what speaks for a candidate, or against its being certain."""

    # Which invoice
    REFERENCE = "reference"
    NUMBER = "number"
    LOOSELY = "loosely"
    ENDING = "ending"
    MISTYPED = "mistyped"
    CUT = "cut"
    # Who paid
    ACCOUNT = "account"
    NAME = "name"
    SIREN = "siren"
    CUSTOMER_REFERENCE = "customer_reference"
    ALIKE = "alike"
    # The amount
    EXACT = "exact"
    TOGETHER = "together"
    EVERYTHING = "everything"
    DISCOUNT = "discount"
    DIFFERENCE = "difference"
    CHARGES = "charges"
    PART = "part"
    MORE = "more"
    OLDEST = "oldest"
    ON_RECORD = "on_record"
    QUOTED = "quoted"
    # What speaks against it
    OTHER_ACCOUNT = "other_account"
    OTHER_NAME = "other_name"
    OTHER_CURRENCY = "other_currency"
    TWO_DEBTORS = "two_debtors"
    SETTLED = "settled"
    NOT_IN_BOOKS = "not_in_books"
    SEVERAL_WAYS = "several_ways"
    ELSEWHERE = "elsewhere"
    ONE_SLIP_AWAY = "one_slip_away"
    ADVANCE = "advance"
    UNSUPPORTED = "unsupported"
    UNNAMED = "unnamed"
    NO_TRACE = "no_trace"
    WENT_OUT = "went_out"
    CAME_BACK = "came_back"


EXPLAINED: dict[str, dict[Reason, str]] = {
    "en": {
        Reason.REFERENCE: "its structured reference names {number}",
        Reason.NUMBER: "its text names {number}",
        Reason.LOOSELY: "its text names {number} without its prefix or its zeros",
        Reason.ENDING: "its text holds the last digits of {number}",
        Reason.MISTYPED: "its text holds a number that is one slip away from {number}",
        Reason.CUT: "its text ends with the beginning of {number}",
        Reason.ACCOUNT: "{debtor} has paid from this account before",
        Reason.NAME: "the payer has the legal name of {debtor}",
        Reason.SIREN: "its text holds the SIREN of {debtor}",
        Reason.CUSTOMER_REFERENCE: "its reference is printed on invoices of {debtor} only",
        Reason.ALIKE: "the payer's name is like that of {debtor}",
        Reason.EXACT: "the amount is what is open on {number}",
        Reason.TOGETHER: "the amount is what is open on {number} together",
        Reason.EVERYTHING: "the amount is all that {debtor} owes",
        Reason.DISCOUNT: "the amount takes a discount that {number} offers, in time",
        Reason.DIFFERENCE: "the amount is cents away from what is open on {number}",
        Reason.CHARGES: "banks on the way may have kept what is missing for {number}",
        Reason.PART: "the amount is a part of what is open on {number}",
        Reason.MORE: "the amount is more than what is open on {number}",
        Reason.OLDEST: "the oldest invoices first, as where nothing is said",
        Reason.ON_RECORD: "a payment of this amount is on record already",
        Reason.QUOTED: "it quotes the reference of a payment of this amount",
        Reason.OTHER_ACCOUNT: "the account is known as another customer's",
        Reason.OTHER_NAME: "the payer has the name of another customer",
        Reason.OTHER_CURRENCY: "the invoice named is in another currency",
        Reason.TWO_DEBTORS: "it names invoices of different customers",
        Reason.SETTLED: "an invoice named, or one of this amount, is settled already",
        Reason.NOT_IN_BOOKS: "it names a number that is not in the books",
        Reason.SEVERAL_WAYS: "several sets of invoices would give the amount, or chance might",
        Reason.ELSEWHERE: "other open invoices give exactly this amount",
        Reason.ONE_SLIP_AWAY: "another invoice of this amount has a number one slip away",
        Reason.ADVANCE: "its text speaks of an advance payment",
        Reason.UNSUPPORTED: "nothing else confirms it",
        Reason.UNNAMED: "it does not say what it is for",
        Reason.NO_TRACE: "nothing in it is known",
        Reason.WENT_OUT: "the money went out",
        Reason.CAME_BACK: "it takes an earlier movement back",
    },
    "fr": {
        Reason.REFERENCE: "sa référence structurée désigne {number}",
        Reason.NUMBER: "son libellé nomme {number}",
        Reason.LOOSELY: "son libellé nomme {number} sans son préfixe ou ses zéros",
        Reason.ENDING: "son libellé contient les derniers chiffres de {number}",
        Reason.MISTYPED: "son libellé contient un numéro à une faute de frappe de {number}",
        Reason.CUT: "son libellé s'arrête sur le début de {number}",
        Reason.ACCOUNT: "{debtor} a déjà payé depuis ce compte",
        Reason.NAME: "le payeur porte la dénomination de {debtor}",
        Reason.SIREN: "son libellé contient le SIREN de {debtor}",
        Reason.CUSTOMER_REFERENCE: "sa référence ne figure que sur des factures de {debtor}",
        Reason.ALIKE: "le nom du payeur ressemble à celui de {debtor}",
        Reason.EXACT: "le montant est ce qui reste dû sur {number}",
        Reason.TOGETHER: "le montant est ce qui reste dû sur {number} ensemble",
        Reason.EVERYTHING: "le montant est tout ce que doit {debtor}",
        Reason.DISCOUNT: "le montant déduit un escompte prévu par {number}, dans les délais",
        Reason.DIFFERENCE: "le montant est à quelques centimes du reste dû sur {number}",
        Reason.CHARGES: "des banques intermédiaires ont pu retenir ce qui manque pour {number}",
        Reason.PART: "le montant est une partie du reste dû sur {number}",
        Reason.MORE: "le montant dépasse le reste dû sur {number}",
        Reason.OLDEST: "les factures les plus anciennes d'abord, faute d'indication",
        Reason.ON_RECORD: "un paiement de ce montant est déjà enregistré",
        Reason.QUOTED: "il cite la référence d'un paiement de ce montant",
        Reason.OTHER_ACCOUNT: "le compte est connu comme celui d'un autre client",
        Reason.OTHER_NAME: "le payeur porte le nom d'un autre client",
        Reason.OTHER_CURRENCY: "la facture nommée est dans une autre devise",
        Reason.TWO_DEBTORS: "il nomme des factures de clients différents",
        Reason.SETTLED: "une facture nommée, ou de ce montant, est déjà réglée",
        Reason.NOT_IN_BOOKS: "il nomme un numéro absent des livres",
        Reason.SEVERAL_WAYS: "plusieurs ensembles de factures donneraient ce montant, ou le hasard",
        Reason.ELSEWHERE: "d'autres factures ouvertes donnent exactement ce montant",
        Reason.ONE_SLIP_AWAY: "une autre facture de ce montant a un numéro à une faute de frappe près",
        Reason.ADVANCE: "son libellé parle d'un acompte",
        Reason.UNSUPPORTED: "rien d'autre ne le confirme",
        Reason.UNNAMED: "il ne dit pas ce qu'il paie",
        Reason.NO_TRACE: "rien de ce qu'il contient n'est connu",
        Reason.WENT_OUT: "l'argent est sorti",
        Reason.CAME_BACK: "il annule un mouvement antérieur",
    },
}


def explain_reason(
    reason: Reason, invoices: Iterable[str] = (), debtor: str = "?", language: str = "en"
) -> str:
    """Says a reason in a sentence; `debtor` is an id or, where names may be shown, a name."""
    sentence = EXPLAINED.get(language, EXPLAINED["en"])[reason]
    return sentence.format(number=", ".join(invoices) or "?", debtor=debtor)
