"""What a person should look at in an event that is taken in all the same.

In: terms beyond what the law allows, numbers that do not add up, names and orders that do not fit, each as
a fact with a sentence in French and English.
Not in: what is refused (identity.py, and the handlers of the door), what an e-invoice itself brings
(readers/einvoice/checks.py).
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import computed_field, model_validator
from stdnum.fr import siren, siret

from domain.caps import DEROGATIONS, UNLESS_AGREED, Cap, TermRule, caps, exceeding
from domain.events import CreditorRegistered, DebtorRegistered, Event, InvoiceCreated
from domain.fact import Fact
from domain.receivable import Creditor, Debtor, DueDateSource
from domain.terms import due_date
from intake import identity
from intake.readers.rows import shown
from intake.readers.written import folded

SIRET_DIGITS = 14


class Concern(StrEnum):
    """Names what is to be looked at."""

    TERM_ABOVE_CAP = "term_above_cap"
    TERM_NEEDS_CLAUSE = "term_needs_clause"
    LEGAL_DEFAULT = "legal_default"
    SIREN = "siren"
    SIRET = "siret"
    SIRET_OF_ANOTHER = "siret_of_another"
    VAT = "vat"
    VAT_OF_ANOTHER = "vat_of_another"
    IBAN = "iban"
    ACCOUNT_UNREAD = "account_unread"
    NAME_DIFFERS = "name_differs"
    ORDER_MISSING = "order_missing"
    AS_READ = "as_read"


SENTENCES = {
    "en": {
        Concern.TERM_ABOVE_CAP: "due {value}, beyond the lawful {day} ({source}, {rule})",
        Concern.TERM_NEEDS_CLAUSE: "due {value}, lawful if the contract says: {rule} ({source})",
        Concern.LEGAL_DEFAULT: "no due date and no terms: due {value}, by the legal default",
        Concern.SIREN: "SIREN {value} does not add up: one of its nine digits is wrong",
        Concern.SIRET: "SIRET {value} does not add up: one of its fourteen digits is wrong",
        Concern.SIRET_OF_ANOTHER: "SIRET {value} is not of the SIREN stated",
        Concern.VAT: "VAT number {value} does not add up: its key or its digits are wrong",
        Concern.VAT_OF_ANOTHER: "VAT number {value} is not that of the SIREN stated",
        Concern.IBAN: "account {value} is no IBAN: its check digits do not add up",
        Concern.ACCOUNT_UNREAD: "payments go to {value}, of which no bank source is declared",
        Concern.NAME_DIFFERS: "called {value}, but {known} on record",
        Concern.ORDER_MISSING: "no order number, which this customer asks for on every invoice",
        Concern.AS_READ: "{value}",
    },
    "fr": {
        Concern.TERM_ABOVE_CAP: "échéance {value} au-delà du maximum légal : {day} ({source}, {rule})",
        Concern.TERM_NEEDS_CLAUSE: "échéance {value} licite si le contrat prévoit : {rule} ({source})",
        Concern.LEGAL_DEFAULT: "ni échéance ni délai convenu : échéance {value}, par défaut légal",
        Concern.SIREN: "SIREN {value} invalide : un de ses neuf chiffres est faux",
        Concern.SIRET: "SIRET {value} invalide : un de ses quatorze chiffres est faux",
        Concern.SIRET_OF_ANOTHER: "le SIRET {value} n'est pas celui du SIREN indiqué",
        Concern.VAT: "numéro de TVA {value} invalide : sa clé ou ses chiffres sont faux",
        Concern.VAT_OF_ANOTHER: "le numéro de TVA {value} n'est pas celui du SIREN indiqué",
        Concern.IBAN: "le compte {value} n'est pas un IBAN : sa clé est fausse",
        Concern.ACCOUNT_UNREAD: "les paiements vont sur {value}, dont aucun relevé n'est déclaré",
        Concern.NAME_DIFFERS: "nommé {value}, mais {known} au dossier",
        Concern.ORDER_MISSING: "sans numéro de commande, que ce client exige sur chaque facture",
        Concern.AS_READ: "{value}",
    },
}

RULES = {
    "en": {
        TermRule.NET_60: "60 days",
        TermRule.EOM_FIRST: "end of month, then 45 days",
        TermRule.EOM_LAST: "45 days, then end of month",
        TermRule.PERIODIC_45: "45 days for a periodic invoice",
        TermRule.DEFAULT_30: "30 days where nothing was agreed",
        TermRule.PERISHABLE_30: "30 days for perishables",
        TermRule.LIVESTOCK_20: "20 days for livestock and fresh meat",
        TermRule.ALCOHOL_30: "30 days end of month for spirits",
        TermRule.TRANSPORT_30: "30 days for transport",
        TermRule.EU_DEFAULT_30: "30 days where nothing was agreed",
        TermRule.EU_60: "60 days unless expressly agreed",
    },
    "fr": {
        TermRule.NET_60: "60 jours",
        TermRule.EOM_FIRST: "fin de mois puis 45 jours",
        TermRule.EOM_LAST: "45 jours puis fin de mois",
        TermRule.PERIODIC_45: "45 jours pour une facture périodique",
        TermRule.DEFAULT_30: "30 jours sans accord",
        TermRule.PERISHABLE_30: "30 jours pour les denrées périssables",
        TermRule.LIVESTOCK_20: "20 jours pour le bétail et la viande fraîche",
        TermRule.ALCOHOL_30: "30 jours fin de mois pour les spiritueux",
        TermRule.TRANSPORT_30: "30 jours pour le transport",
        TermRule.EU_DEFAULT_30: "30 jours sans accord",
        TermRule.EU_60: "60 jours sauf accord exprès",
    },
}
"""How each rule about terms is said."""


class Warned(Fact):
    """States what is to be looked at: the field, its value, and the rule or the known value it is held to.

    Of something in a file, `line` says where it stands and `about` which invoice or party it is. What a
    reader found (AS_READ) is said in its own words.
    """

    concern: Concern
    line: int | None = None
    about: str | None = None
    field: str
    value: str | None = None
    known: str | None = None
    rule: TermRule | None = None
    day: date | None = None
    source: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_again(cls, written: Any) -> Any:
        """Takes what was written of a warning: its sentences follow from the rest."""
        if isinstance(written, dict):
            return {name: value for name, value in written.items() if name != "sentences"}
        return written

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sentences(self) -> dict[str, str]:
        """Says it in every language, for programs that show it to people."""
        return {language: self.said(language) for language in SENTENCES}

    def said(self, language: str = "en") -> str:
        """Says it in a sentence, in French or English."""
        language = language if language in SENTENCES else "en"
        rule = RULES[language][self.rule] if self.rule is not None else ""
        return SENTENCES[language][self.concern].format(
            value=self.value, known=self.known, rule=rule, day=self.day, source=self.source
        )


def warnings(event: Event, creditor: Creditor | None, debtor: Debtor | None) -> tuple[Warned, ...]:
    """Lists what a person should look at in an event; nothing in it is refused for that.

    `creditor` and `debtor` are those on record before the event, None where there is none.
    """
    match event:
        case InvoiceCreated():
            return tuple(_of_invoice(event, creditor, debtor))
        case DebtorRegistered():
            return tuple(_of_debtor(event.debtor, debtor))
        case CreditorRegistered():
            return tuple(_of_creditor(event.creditor))
        case _:
            return ()


def _of_invoice(event: InvoiceCreated, creditor: Creditor | None, debtor: Debtor | None) -> Iterator[Warned]:
    if debtor is not None and debtor.requires_order and event.order_reference is None:
        yield Warned(concern=Concern.ORDER_MISSING, field="order_reference")
    stated, source = due_date(
        event.issue_date,
        stated=event.due_date,
        terms_days=event.terms_days,
        debtor_terms_days=debtor.terms_days if debtor else None,
        creditor_terms_days=creditor.terms_days if creditor else None,
    )
    if source is DueDateSource.LEGAL_DEFAULT and not event.maturities:
        yield Warned(concern=Concern.LEGAL_DEFAULT, field="due_date", value=stated.isoformat())
        return
    agreed = debtor.terms_rule if debtor is not None else None
    sector = creditor.sector if creditor is not None else None
    known = caps(
        event.issue_date,
        event.delivered_on,
        sector=sector,
        periodic=agreed is TermRule.PERIODIC_45,
        country=debtor.country if debtor else "FR",
    )
    dues = [(f"maturities.{turn}.due_date", part.due_date) for turn, part in enumerate(event.maturities)]
    for field, due in dues or [("due_date", stated)]:
        yield from _term(field, due, known, agreed)


def _term(field: str, due: date, known: tuple[Cap, ...], agreed: TermRule | None) -> Iterator[Warned]:
    """Holds a due date to the rule that was agreed or, where that is unknown, to all that may have been."""
    counting = known
    if agreed is None:
        counting = tuple(cap for cap in known if cap.rule not in UNLESS_AGREED)
    above = exceeding(due, counting, agreed)
    chosen = [cap for cap in counting if cap.rule is agreed] or counting
    left = [cap for cap in chosen if cap not in above]
    if not above or any(cap.rule not in DEROGATIONS for cap in left):
        return
    cap = max(left or above, key=lambda one: one.last_day)
    yield Warned(
        concern=Concern.TERM_NEEDS_CLAUSE if left else Concern.TERM_ABOVE_CAP,
        field=field,
        value=due.isoformat(),
        rule=cap.rule,
        day=cap.last_day,
        source=cap.source,
    )


def _of_debtor(debtor: Debtor, known: Debtor | None) -> Iterator[Warned]:
    yield from _numbers("debtor", debtor.siren, debtor.vat)
    yield from _establishment(debtor)
    if known is not None and folded(known.legal_name) != folded(debtor.legal_name):
        yield Warned(
            concern=Concern.NAME_DIFFERS,
            field="debtor.legal_name",
            value=debtor.legal_name,
            known=known.legal_name,
        )


def _establishment(debtor: Debtor) -> Iterator[Warned]:
    if debtor.siret is None:
        return
    if not identity.passes(siret.validate, _compact(debtor.siret)):
        yield Warned(concern=Concern.SIRET, field="debtor.siret", value=shown(debtor.siret))
    elif debtor.siren is not None and _compact(debtor.siret)[:9] != _compact(debtor.siren)[:9]:
        yield Warned(concern=Concern.SIRET_OF_ANOTHER, field="debtor.siret", value=shown(debtor.siret))


def _of_creditor(creditor: Creditor) -> Iterator[Warned]:
    yield from _numbers("creditor", creditor.siren, creditor.vat)
    for turn, bank in enumerate(creditor.banks):
        account = _compact(bank.account)
        looks = account[:2].isalpha() and account[2:4].isdecimal()
        if looks and not identity.passes(identity.iban_adds_up, account):
            yield Warned(concern=Concern.IBAN, field=f"creditor.banks.{turn}.account", value=shown(account))
    accounts = {_compact(bank.account) for bank in creditor.banks}
    if creditor.iban and accounts and _compact(creditor.iban) not in accounts:
        yield Warned(concern=Concern.ACCOUNT_UNREAD, field="creditor.iban", value=shown(creditor.iban))


def _numbers(party: str, number: str | None, vat: str | None) -> Iterator[Warned]:
    """Looks at the registration of a party, a SIREN or a SIRET (La Poste's have a rule of their own)."""
    digits = _compact(number or "")
    whole = len(digits) == SIRET_DIGITS
    right = identity.passes(siret.validate if whole else siren.validate, digits)
    if number is not None and not right:
        concern = Concern.SIRET if whole else Concern.SIREN
        yield Warned(concern=concern, field=f"{party}.siren", value=shown(number))
    if vat is None:
        return
    if not identity.passes(identity.vat_adds_up, vat):
        yield Warned(concern=Concern.VAT, field=f"{party}.vat", value=shown(vat))
    elif right and number is not None and _compact(vat).startswith("FR") and _compact(vat)[4:] != digits[:9]:
        yield Warned(concern=Concern.VAT_OF_ANOTHER, field=f"{party}.vat", value=shown(vat))


def _compact(number: str) -> str:
    return "".join(number.split()).upper()
