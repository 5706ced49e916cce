"""Why something is planned, held or over, said in one sentence.

In: a sentence per rule, in French and English. Not in: the rules themselves (schedule.py, gate.py).
"""

from datetime import date

from domain.actions import Because, Rule

SENTENCES: dict[str, dict[Rule, str]] = {
    "en": {
        Rule.CALENDAR: "on its day by the calendar of the policy",
        Rule.ROLLED: "its day is not a business day: moved to {planned}",
        Rule.LATE: "was planned for {planned}, {days} day(s) ago: caught up now",
        Rule.SPACING: "planned for {planned}, moved to keep {days} day(s) after the previous step",
        Rule.DEADLINE: "planned for {planned}, waits for the printed deadline of {until} to pass",
        Rule.CONTACT_CAP: "at most one message to this debtor in {days} day(s)",
        Rule.DAILY_CAP: "at most {days} message(s) a day leave for this creditor: its place is later",
        Rule.WINDOW: "was planned for {planned}: the sending window has closed for today",
        Rule.OPERATOR: "an operator asked for it now",
        Rule.HOLD: "held until {until}, that day included",
        Rule.BELOW_MINIMUM: "what is owed is below the minimum of the policy",
        Rule.ALLOCATE: "unallocated money or credit covers the debt: allocate it",
        Rule.STALE: "payments are not known up to date: feed in the latest bank data",
        Rule.APPROVAL: "waits for a person to approve the step",
        Rule.UNREACHABLE: "no usable address: add a contact",
        Rule.AMBIGUOUS: "nobody can know whether the message left: a person must judge",
        Rule.SENDING_STOPPED: "sending is stopped",
        Rule.DISPUTED: "disputed: not asked for until {until}, that day included",
        Rule.PROMISED: "promised: the debtor has until {until}, days of grace included",
        Rule.BROKEN: "brought forward from {planned}: the day after a promise, if it is not kept",
        Rule.INSTALMENTS: "paid in instalments: the next one has until {until}, days of grace included",
        Rule.SETTLING: "settled for less if paid by {until}, days of grace included",
        Rule.UNDECIDED: "an agreement waits for approval until {until}",
        Rule.DIRECT_DEBIT: "collected by direct debit: its result is awaited until {until}",
        Rule.DELIVERY: "planned for {planned}, moved to leave time after the delivery of the invoice",
        Rule.REJECTED: "the debtor's platform refused the invoice: mend it and send it again",
        Rule.FACTORED: "sold to a factor, who collects it",
        Rule.PAID: "paid in full",
        Rule.WAIVED: "settled for less, as agreed",
        Rule.CREDITED: "settled by credit notes",
        Rule.WRITTEN_OFF: "written off",
        Rule.HANDED_OFF: "handed over to recovery",
        Rule.LADDER_FINISHED: "every step of the policy has been taken",
    },
    "fr": {
        Rule.CALENDAR: "à son jour, selon le calendrier de la politique",
        Rule.ROLLED: "son jour n'est pas ouvré : déplacé au {planned}",
        Rule.LATE: "était prévu le {planned}, il y a {days} jour(s) : rattrapé maintenant",
        Rule.SPACING: "prévu le {planned}, décalé pour laisser {days} jour(s) après l'étape précédente",
        Rule.DEADLINE: "prévu le {planned}, attend la fin du délai annoncé, le {until}",
        Rule.CONTACT_CAP: "au plus un message à ce débiteur en {days} jour(s)",
        Rule.DAILY_CAP: "au plus {days} message(s) par jour pour ce créancier : sa place est un autre jour",
        Rule.WINDOW: "était prévu le {planned} : la plage d'envoi est close pour aujourd'hui",
        Rule.OPERATOR: "demandé maintenant par un opérateur",
        Rule.HOLD: "suspendu jusqu'au {until} inclus",
        Rule.BELOW_MINIMUM: "le montant dû est inférieur au minimum de la politique",
        Rule.ALLOCATE: "un avoir ou un paiement non affecté couvre la dette : à affecter",
        Rule.STALE: "les paiements ne sont pas à jour : importer les dernières données bancaires",
        Rule.APPROVAL: "attend l'accord d'une personne",
        Rule.UNREACHABLE: "aucune adresse utilisable : ajouter un contact",
        Rule.AMBIGUOUS: "nul ne peut savoir si le message est parti : une personne doit en juger",
        Rule.SENDING_STOPPED: "les envois sont arrêtés",
        Rule.DISPUTED: "en litige : rien n'est demandé jusqu'au {until} inclus",
        Rule.PROMISED: "promesse de paiement : le débiteur a jusqu'au {until}, délai de grâce compris",
        Rule.BROKEN: "avancé du {planned} : lendemain d'une promesse, si elle n'est pas tenue",
        Rule.INSTALMENTS: "payée par échéances : la prochaine a jusqu'au {until}, délai de grâce compris",
        Rule.SETTLING: "soldée pour moins si payée au {until}, délai de grâce compris",
        Rule.UNDECIDED: "un accord attend une décision jusqu'au {until}",
        Rule.DIRECT_DEBIT: "prélevée : le résultat du prélèvement est attendu jusqu'au {until}",
        Rule.DELIVERY: "prévu le {planned}, décalé pour laisser du temps après la remise de la facture",
        Rule.REJECTED: "facture refusée par la plateforme du débiteur : à corriger et à renvoyer",
        Rule.FACTORED: "cédée à un factor, qui l'encaisse",
        Rule.PAID: "payée en totalité",
        Rule.WAIVED: "soldée pour moins, comme convenu",
        Rule.CREDITED: "soldée par avoir",
        Rule.WRITTEN_OFF: "passée en perte",
        Rule.HANDED_OFF: "remise au recouvrement",
        Rule.LADDER_FINISHED: "toutes les étapes de la politique ont été franchies",
    },
}


def explain(because: Because, language: str = "en") -> str:
    """Says a reason in a sentence; dates are written dd/mm/yyyy in French and yyyy-mm-dd elsewhere."""
    sentence = SENTENCES.get(language, SENTENCES["en"])[because.rule]
    return sentence.format(
        planned=_day(because.planned, language), until=_day(because.until, language), days=because.days
    )


def _day(day: date | None, language: str) -> str:
    if day is None:
        return "?"
    return f"{day:%d/%m/%Y}" if language == "fr" else day.isoformat()
