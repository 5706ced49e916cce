"""What is said about bank files and their entries, in French and English.

In: sentences and labels for statements, entries, candidates and watched folders.
Not in: why an entry is taken for something (domain/reasons.py), labels of other answers (words.py).
"""

from collections.abc import Sequence

from domain.candidates import Candidate
from domain.reasons import Reason, explain_reason
from intake.reports import RefusedRow
from intake.statements import StatementReport
from intake.telling import words
from intake.warnings import Warned
from ledger.bank import Kept

SAID: dict[str, dict[str, str]] = {
    "en": {
        "statement": "bank statement ({format}) of account {account}, {days}: {entries} entries",
        "day": "{last}",
        "days": "{first} to {last}",
        "booked": "booked",
        "on_account": "on account",
        "same": "on record already",
        "asked": "to decide",
        "not_ours": "not ours",
        "returned": "returned",
        "reversed": "came back",
        "read": "not matched yet",
        "undecided": "not matched yet",
        "known": "known",
        "pending": "announced, not booked",
        "known_to": "payments on this account are known up to {day}",
        "sources": "bank accounts",
        "account": "account",
        "booked_to": "booked to",
        "unseen": "business days unseen",
        "within": "allowed",
        "file": "file",
        "owner": "whom to ask",
        "never": "never",
        "printed": "not declared in `banks`: printed IBAN",
        "to_decide": "{count} entries wait for a decision: see `bank entries`",
        "entries": "{count} bank entries",
        "no_candidates": "nobody's money for certain; book it with --to or --debtor, or ignore it",
        "rest": "{amount} left on account",
        "allowed": "{amount} let go: {why}",
        "discount": "discount",
        "charges": "bank charges",
        "difference": "slip of cents",
        "like": "another file told of this day and amount (entry {entry}): it may be the same money",
        "on_record": "the same as payment {payment}",
        "take_back": "may take payment {payment} back: --returned {payment}",
        "taken_to": "{file}: taken, moved to {to}",
        "refused_to": "{file}: refused, wholly or in part, moved to {to}",
        "stays": "{file}: taken in, but it cannot be moved; check the rights of the folder",
        "watching": "watching {folder}: Ctrl-C ends it",
        "nothing": "no complete file in {folder}",
        "kind_invoice": "electronic invoice",
        "kind_statement": "bank file",
        "kind_statuses": "life-cycle message",
        "kind_xml": "unknown XML",
        "taken": "taken",
        "known_already": "known already",
        "waiting": "waiting for their invoice",
        "refused": "refused",
        "warning": "look at this: {what}",
        "line": "line {line}",
        "more_refused": "... and {count} more; `refused` lists them all",
        "more_warnings": "... and {count} more to look at; --json lists them all",
    },
    "fr": {
        "statement": "relevé bancaire ({format}) du compte {account}, {days} : {entries} écritures",
        "day": "{last}",
        "days": "du {first} au {last}",
        "booked": "affectées",
        "on_account": "en compte",
        "same": "déjà enregistrées",
        "asked": "à décider",
        "not_ours": "hors clients",
        "returned": "impayés",
        "reversed": "revenues",
        "read": "à rapprocher",
        "undecided": "à rapprocher",
        "known": "connues",
        "pending": "annoncées, non comptabilisées",
        "known_to": "les paiements de ce compte sont connus jusqu'au {day}",
        "sources": "comptes bancaires",
        "account": "compte",
        "booked_to": "connu jusqu'au",
        "unseen": "jours ouvrés non vus",
        "within": "admis",
        "file": "fichier",
        "owner": "à qui demander",
        "never": "jamais",
        "printed": "non déclaré dans `banks` : IBAN imprimé",
        "to_decide": "{count} écritures attendent une décision : voir `bank entries`",
        "entries": "{count} écritures bancaires",
        "no_candidates": "payeur inconnu ; affectez avec --to ou --debtor, ou écartez (ignore)",
        "rest": "{amount} laissés en compte",
        "allowed": "{amount} abandonnés : {why}",
        "discount": "escompte",
        "charges": "frais bancaires",
        "difference": "écart de centimes",
        "like": "un autre fichier a ce jour et ce montant (écriture {entry}) : peut-être le même argent",
        "on_record": "le même que le paiement {payment}",
        "take_back": "annule peut-être le paiement {payment} : --returned {payment}",
        "taken_to": "{file} : pris, déplacé vers {to}",
        "refused_to": "{file} : refusé, en tout ou en partie, déplacé vers {to}",
        "stays": "{file} : pris, mais impossible à déplacer ; vérifiez les droits du dossier",
        "watching": "surveille {folder} : Ctrl-C pour arrêter",
        "nothing": "aucun fichier complet dans {folder}",
        "kind_invoice": "facture électronique",
        "kind_statement": "fichier bancaire",
        "kind_statuses": "message de cycle de vie",
        "kind_xml": "XML inconnu",
        "taken": "pris",
        "known_already": "déjà connus",
        "waiting": "en attente de leur facture",
        "refused": "refusés",
        "warning": "à vérifier : {what}",
        "line": "ligne {line}",
        "more_refused": "... et {count} autres ; `refused` les liste toutes",
        "more_warnings": "... et {count} autres à vérifier ; --json les liste toutes",
    },
}

SHOWN = 20
"""How many refused rows, and how many warnings, are printed of one file."""

ALWAYS = ("booked", "on_account", "asked", "known", "not_ours")
"""What is counted even where there is none; the rest only where there is some."""

SOMETIMES = ("same", "returned", "undecided", "pending")


def said(key: str, language: str, **facts: object) -> str:
    """Says a sentence or a label, filled in."""
    return SAID[language][key].format(**facts)


def pointed_out(warnings: Sequence[Warned], language: str) -> list[str]:
    """Says what a person should look at: where it stands, and what it is."""
    lines = []
    for one in warnings[:SHOWN]:
        line = said("line", language, line=one.line) if one.line is not None else None
        place = ", ".join(part for part in (line, one.about) if part)
        colon = f"{words.NARROW if language == 'fr' else ''}: "
        told = f"{place}{colon}{one.said(language)}" if place else one.said(language)
        lines.append(said("warning", language, what=told))
    if len(warnings) > SHOWN:
        lines.append(said("more_warnings", language, count=len(warnings) - SHOWN))
    return lines


def refusals(rows: Sequence[RefusedRow], language: str) -> list[str]:
    """Says why rows were refused: the line, the field, its value and the remedy."""
    colon = f"{words.NARROW if language == 'fr' else ''}: "
    lines = [
        f"{said('line', language, line=one.line)}{colon}{one.field} = {one.value!r}: {one.remedy}"
        for one in rows[:SHOWN]
    ]
    if len(rows) > SHOWN:
        lines.append(said("more_refused", language, count=len(rows) - SHOWN))
    return lines


def understood(report: StatementReport, language: str) -> list[str]:
    """Says what was understood of a statement, and what became of its entries."""
    first, last = report.booked_from or report.booked_to, report.booked_to
    days = said("days" if first < last else "day", language, first=first, last=last)
    counts = [f"{getattr(report, name)} {said(name, language)}" for name in ALWAYS]
    counts += [
        f"{getattr(report, name)} {said(name, language)}" for name in SOMETIMES if getattr(report, name)
    ]
    head = said(
        "statement",
        language,
        format=report.format,
        account=report.account,
        days=days,
        entries=report.entries,
    )
    lines = [f"{head}{words.NARROW if language == 'fr' else ''}: {', '.join(counts)}"]
    if report.known_to is not None:
        lines.append(said("known_to", language, day=report.known_to))
    return [*lines, *report.notes]


def proposed(candidate: Candidate, kept: Kept, name: str, language: str) -> str:
    """Says what an entry may be for, and why."""
    currency = kept.entry.currency
    parts = [
        f"{part.invoice} {words.sum_of(part.amount, currency, language)}"
        + (
            f" ({said('allowed', language, amount=part.allowed, why=said(part.allowance, language))})"
            if part.allowance is not None
            else ""
        )
        for part in candidate.allocations
    ]
    if candidate.recorded is not None:
        parts.append(said("on_record", language, payment=candidate.recorded))
    elif candidate.left > 0:
        rest = words.sum_of(candidate.left, currency, language)
        parts.append(said("rest", language, amount=rest))
    numbers = [part.invoice for part in candidate.allocations]
    why = "; ".join(explain_reason(reason, numbers, name, language) for reason in candidate.reasons)
    return f"{name}: {', '.join(parts)} [{candidate.score:.2f}: {why}]"


def doubts(kept: Kept, language: str) -> str:
    """Says what keeps an entry from being certain."""
    told = (kept.proposal or {}).get("doubts") or (kept.proposal or {}).get("reasons") or []
    return "; ".join(explain_reason(Reason(one), (), "?", language) for one in told)
