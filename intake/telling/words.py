"""The words of states and tables in French and English, and how dates and figures read in them.

In: labels, the rules of a policy in sentences.
Not in: reasons (domain/explanation.py), help texts (terminal/), the pages' own words (console/words/).
"""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_day_names

from correspondence.formats import locale_of, money
from domain.policy import Anchor, Catchup, DunningPolicy, DunningStep, Tone

NARROW = "\N{NO-BREAK SPACE}"

LABELS: dict[str, dict[str, str]] = {
    "en": {
        "step": "step",
        "title": "title",
        "day": "day",
        "channel": "channel",
        "tone": "tone",
        "who": "who",
        "wording": "wording",
        "why": "why",
        "late": "late",
        "when": "when",
        "leaves": "leaves at",
        "due": "due",
        "policy": "policy",
        "calendar": "calendar to come",
        "history": "history",
        "messages": "messages",
        "tasks": "open tasks",
        "trouble": "in trouble",
        "next": "next",
        "none": "nothing more is planned",
        "email": "e-mail",
        "letter": "letter",
        "call": "call",
        "handoff": "handoff",
        "balance": "balance",
        "automatic": "automatic",
        "approval": "after approval",
        "total": "total",
        "paid": "paid",
        "allowed": "let go with the money",
        "credited": "credited",
        "waived": "waived",
        "open": "open",
        "presumed": "unallocated money",
        "net": "still to ask for",
        "issued": "issued",
        "debtor": "customer",
        "creditor": "creditor",
        "status": "status",
        "held": "held",
        "closed": "closed",
        "kind": "kind",
        "state": "state",
        "commercial": "commercial",
        "courteous": "courteous",
        "firm": "firm",
        "final": "final",
        "formal": "formal",
        "recovery": "recovery",
        "revision": "entry",
        "invoices": "invoices",
        "asked": "asked",
        "subject": "subject",
        "invoice": "invoice",
        "what": "what",
        "besides": "what else would happen",
        "would_leave": "{count} message(s) would leave",
        "handed_off": "handed over to recovery",
        "written_off": "written off",
        "exhausted": "every step taken",
        "settled": "settled",
        "deferred": "deferred",
        "unreachable": "unreachable",
        "ambiguous": "unclear",
        "open_case": "open",
        "task": "task",
        "hold": "held",
        "skipped": "skipped",
        "sent": "sent",
        "voided": "voided",
        "failed": "failed",
        "reserved": "being prepared",
        "handing_over": "being sent",
        "shown": "{shown} of {total} shown",
        "from_invoice": "as stated on the invoice",
        "from_terms": "by the invoice's terms",
        "from_debtor_terms": "by the customer's terms",
        "from_creditor_terms": "by the creditor's usual terms",
        "from_legal_default": "by the legal default",
    },
    "fr": {
        "step": "étape",
        "title": "intitulé",
        "day": "jour",
        "channel": "canal",
        "tone": "ton",
        "who": "qui",
        "wording": "texte",
        "why": "pourquoi",
        "late": "retard",
        "when": "quand",
        "leaves": "départ",
        "due": "échéance",
        "policy": "politique",
        "calendar": "calendrier à venir",
        "history": "historique",
        "messages": "messages",
        "tasks": "tâches ouvertes",
        "trouble": "en difficulté",
        "next": "suite",
        "none": "plus rien n'est prévu",
        "email": "e-mail",
        "letter": "lettre",
        "call": "appel",
        "handoff": "recouvrement",
        "balance": "solde",
        "automatic": "automatique",
        "approval": "après accord",
        "total": "total",
        "paid": "payé",
        "allowed": "abandonné avec le paiement",
        "credited": "avoirs",
        "waived": "remis",
        "open": "ouvert",
        "presumed": "non affecté",
        "net": "reste à demander",
        "issued": "émise",
        "debtor": "client",
        "creditor": "créancier",
        "status": "état",
        "held": "suspendue",
        "closed": "close",
        "kind": "nature",
        "state": "état",
        "commercial": "commercial",
        "courteous": "courtois",
        "firm": "ferme",
        "final": "dernier",
        "formal": "formel",
        "recovery": "recouvrement",
        "revision": "écriture",
        "invoices": "factures",
        "asked": "demandé",
        "subject": "objet",
        "invoice": "facture",
        "what": "quoi",
        "besides": "ce qui se passerait aussi",
        "would_leave": "{count} message(s) partirai(en)t",
        "handed_off": "remise au recouvrement",
        "written_off": "passée en perte",
        "exhausted": "toutes étapes franchies",
        "settled": "soldée",
        "deferred": "différée",
        "unreachable": "injoignable",
        "ambiguous": "incertain",
        "open_case": "ouverte",
        "task": "tâche",
        "hold": "suspendue",
        "skipped": "sautée",
        "sent": "envoyé",
        "voided": "annulé",
        "failed": "échoué",
        "reserved": "en préparation",
        "handing_over": "en cours d'envoi",
        "shown": "{shown} sur {total}",
        "from_invoice": "inscrite sur la facture",
        "from_terms": "selon les conditions de la facture",
        "from_debtor_terms": "selon les conditions du client",
        "from_creditor_terms": "selon les conditions usuelles",
        "from_legal_default": "selon le délai légal",
    },
}


def label(key: str, language: str) -> str:
    """Gives a label in a language, or the key itself where there is none."""
    return LABELS[language].get(key, key)


def said(key: str, value: object, language: str) -> str:
    """Writes a label and its value; French sets a space before the colon."""
    return f"{label(key, language)}{NARROW if language == 'fr' else ''}: {value}"


def on(day: date | None, language: str) -> str:
    """Writes a date with its weekday."""
    return (
        ""
        if day is None
        else format_date(day, "EEE dd/MM/yyyy" if language == "fr" else "EEE yyyy-MM-dd", locale_of(language))
    )


def at(moment: datetime | None, language: str, zone: str) -> str:
    """Writes an instant in a time zone, to the minute."""
    if moment is None:
        return ""
    pattern = "EEE dd/MM/yyyy HH:mm" if language == "fr" else "EEE yyyy-MM-dd HH:mm"
    return format_datetime(moment, pattern, tzinfo=ZoneInfo(zone), locale=locale_of(language))


def sum_of(amount: Decimal, currency: str, language: str) -> str:
    """Writes an amount of money."""
    return money(amount, currency, language)


def offset(step: DunningStep) -> str:
    """Writes the day of a step as people say it: D-10, D+2, or issue+5."""
    anchor = "D" if step.anchor is Anchor.DUE else "issue"
    return f"{anchor}{step.offset_days:+d}"


def tone(step: DunningStep, language: str) -> str:
    """Names the tone of a step."""
    return label(Tone(step.tone).name.lower(), language)


def who(step: DunningStep, language: str) -> str:
    """Tells whether a step is taken by itself, by whom it is done, and whether somebody must approve."""
    parts = [step.owner] if step.owner else []
    if step.channel.writes and not step.approval:
        parts.append(label("automatic", language))
    if step.approval:
        parts.append(label("approval", language))
    return ", ".join(parts)


TERMS: dict[str, dict[str, str]] = {
    "en": {
        "window": "Messages leave from {opens:%H:%M} to {closes:%H:%M}, the customer's time, on {days}.",
        "spacing": "At least {days} days lie between two steps of one invoice.",
        "minimum": "Nobody is reminded of less than {sums} in all.",
        "next_required": "After an outage, the next required step comes alone; the others follow it.",
        "contextual": "After an outage, the last step whose day has come is taken.",
        "deadline": "{step} asks for payment within {days} days; the next step waits until then.",
    },
    "fr": {
        "window": "Les messages partent de {opens:%H:%M} à {closes:%H:%M}, heure du client : {days}.",
        "spacing": "Au moins {days} jours séparent deux étapes d'une même facture.",
        "minimum": "Personne n'est relancé pour moins de {sums} au total.",
        "next_required": "Après une panne, la prochaine étape obligatoire part seule ; les autres suivent.",
        "contextual": "Après une panne, la dernière étape dont le jour est venu est franchie.",
        "deadline": "{step} demande le paiement sous {days} jours ; l'étape suivante attend ce délai.",
    },
}


def terms_of(policy: DunningPolicy, language: str) -> list[str]:
    """Says the rules of a policy that hold for all of its steps."""
    said, window = TERMS[language], policy.window
    weekdays = get_day_names("abbreviated", locale=locale_of(language))
    sentences = [
        said["window"].format(
            opens=window.opens,
            closes=window.closes,
            days=", ".join(weekdays[day - 1] for day in window.days).rstrip("."),
        ),
        said["spacing"].format(days=policy.spacing_days),
        said["next_required" if policy.catch_up is Catchup.NEXT_REQUIRED else "contextual"],
    ]
    if policy.minimum:
        sums = ", ".join(sum_of(least, currency, language) for currency, least in policy.minimum.items())
        sentences.append(said["minimum"].format(sums=sums))
    sentences.extend(
        said["deadline"].format(step=step.key, days=step.payment_period_days)
        for step in policy.steps
        if step.payment_period_days
    )
    return sentences
