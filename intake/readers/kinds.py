"""The kinds of CSV file, and the names that accounting programs give their columns.

In: four kinds with their columns, in French and English, the best name first.
Not in: which kind a file is (columns.py), and how values are written (written.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from intake.readers import written
from intake.readers.written import folded

Reader = Callable[[str], str]


@dataclass(frozen=True)
class Column:
    """States the names under which a field is known, the best first, and how its values are read."""

    names: tuple[str, ...]
    read: Reader = str.strip
    required: bool = False

    def folded_names(self) -> tuple[str, ...]:
        """Gives the names as they are compared."""
        return tuple(folded(name) for name in self.names)


@dataclass(frozen=True)
class Kind:
    """States one kind of file: the event of its rows and its columns by field.

    `telling` names the fields of which one at least must be there, apart from the required ones.
    """

    event: str
    called: str
    columns: Mapping[str, Column]
    telling: tuple[str, ...] = ()


def _names(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split("|"))


CREDITOR = Column(_names("creditor | creditor id | créancier | société | company"))
CURRENCY = Column(_names("currency | currency code | devise | code devise | monnaie"), written.currency)
DEBTOR_NAMES = _names("""
            debtor | debtor id | customer id | customer code | customer number | client id |
            id client | code client | numéro client | n° client | no client | compte client |
            compte tiers | code tiers | débiteur | customer | client | account
        """)
INVOICE_NAMES = _names("""
            invoice | invoice number | invoice no | numéro de facture | numéro facture |
            n° facture | n° de facture | no facture | num facture | facture | invoice id
        """)
POLICY = Column(
    _names("""
            policy | politique | scénario de relance | scénario | procédure
        """)
)
TERMS = Column(
    _names("""
            terms days | payment terms | terms | délai de paiement | délai | délai jours |
            conditions de paiement
        """),
    written.days,
)

INVOICES = Kind(
    "invoice.created",
    "invoices",
    {
        "creditor": CREDITOR,
        "number": Column(
            (*INVOICE_NAMES, *_names("number | numéro | n° | no | numéro de pièce | pièce")), required=True
        ),
        "debtor": Column(DEBTOR_NAMES, required=True),
        "issue_date": Column(
            _names("""
            issue date | invoice date | issued on | date de facture | date facture |
            date d'émission | date de facturation | date de pièce | émise le | date
        """),
            written.day,
            required=True,
        ),
        "due_date": Column(
            _names("""
            due date | due | due on | date d'échéance | date échéance | échéance | échéance le |
            à payer le
        """),
            written.day,
        ),
        "terms_days": TERMS,
        "currency": CURRENCY,
        "total": Column(
            _names("""
            total | total ttc | montant ttc | ttc | total incl tax | total including vat |
            gross amount | total amount | amount due | net à payer | montant total | amount |
            montant
        """),
            written.amount,
            required=True,
        ),
        "order_reference": Column(
            _names("""
            order reference | purchase order | po number | order number | numéro de commande |
            n° commande | commande | bon de commande | référence commande
        """),
        ),
        "delivery_reference": Column(
            _names("""
            delivery reference | delivery note | bon de livraison | n° bl | numéro de bl | bl
        """),
        ),
        "policy": POLICY,
        "pdf": Column(_names("pdf | document | file | fichier")),
        "reference": Column(
            _names("""
            remittance reference | remittance information | structured reference | référence à rappeler |
            référence de virement | référence structurée
        """)
        ),
        "discount_percent": Column(
            _names("discount percent | discount rate | taux d'escompte | pourcentage d'escompte"),
            written.percent,
        ),
        "discount_until": Column(
            _names("discount until | escompte jusqu'au | date d'escompte | date limite d'escompte"),
            written.day,
        ),
        "direct_debit": Column(
            _names("direct debit | prélèvement | prélevée | prélèvement automatique"), written.yes_or_no
        ),
        "delivered_on": Column(
            _names("delivered on | invoice delivered on | facture remise le | facture reçue le"), written.day
        ),
        "version": Column(("version",)),
    },
)

DEBTORS = Kind(
    "debtor.registered",
    "debtors",
    {
        "creditor": CREDITOR,
        "id": Column((*DEBTOR_NAMES, *_names("id | code | identifier | identifiant")), required=True),
        "legal_name": Column(
            _names("""
            legal name | name | company name | customer name | debtor name | raison sociale |
            dénomination | nom | nom client | nom du client | nom de l'entreprise
        """),
            required=True,
        ),
        "siren": Column(_names("siren | n° siren | numéro siren")),
        "siret": Column(_names("siret | n° siret | numéro siret")),
        "vat": Column(
            _names("""
            vat | vat number | vat id | tva | n° tva | numéro de tva | tva intracommunautaire |
            n° tva intracommunautaire | numéro de tva intracommunautaire | tva intra
        """),
        ),
        "email": Column(
            _names("""
            email | e-mail | mail | email address | courriel | adresse e-mail | adresse email |
            adresse mail
        """),
        ),
        "contact": Column(
            _names("""
            contact | contact name | nom du contact | interlocuteur | à l'attention de
        """)
        ),
        "phone": Column(
            _names("""
            phone | telephone | phone number | tél | téléphone | tel. | mobile | portable
        """)
        ),
        "street": Column(
            _names("""
            address | street | address line 1 | address 1 | adresse | rue | adresse 1 |
            adresse ligne 1
        """),
        ),
        "street2": Column(
            _names("""
            address line 2 | address 2 | complément d'adresse | complément | adresse 2 |
            adresse ligne 2
        """)
        ),
        "postcode": Column(_names("postcode | postal code | zip | zip code | code postal | cp")),
        "city": Column(_names("city | town | ville | commune")),
        "country": Column(_names("country | country code | pays | code pays"), written.country),
        "language": Column(("language", "langue"), written.language),
        "terms_days": TERMS,
        "policy": POLICY,
        "terms_rule": Column(_names("terms rule | règle de délai | règle d'échéance"), written.terms_rule),
        "requires_order": Column(
            _names("requires order | order required | commande obligatoire | commande exigée"),
            written.yes_or_no,
        ),
        "credit_limit": Column(
            _names("""
            credit limit | limite de crédit | encours autorisé | encours maximum | plafond d'encours |
            plafond de crédit
        """),
            written.amount,
        ),
        "unpaid_limit": Column(
            _names("unpaid limit | overdue limit | limite d'impayés | plafond d'impayés"), written.amount
        ),
        "unpaid_margin_days": Column(
            _names("unpaid margin days | unpaid margin | tolérance d'impayés | jours de tolérance"),
            written.days,
        ),
        "credit_currency": Column(
            _names("credit currency | devise de crédit | devise d'encours"), written.currency
        ),
        "tags": Column(_names("tags | étiquettes | groups | catégorie | category")),
    },
)

PAYMENTS = Kind(
    "payment.received",
    "payments",
    {
        "creditor": CREDITOR,
        "reference": Column(
            _names("""
            payment reference | payment id | payment | reference | référence de paiement |
            référence paiement | référence du règlement | référence règlement | n° règlement |
            numéro de règlement | n° paiement | paiement | règlement | référence | réf | libellé
        """),
            required=True,
        ),
        "amount": Column(
            _names("""
            amount paid | amount received | paid amount | payment amount | montant réglé |
            montant payé | montant reçu | montant encaissé | montant du règlement | amount |
            montant
        """),
            written.amount,
            required=True,
        ),
        "received_on": Column(
            _names("""
            received on | paid on | payment date | value date | date received | date de paiement |
            date paiement | date de règlement | date règlement | date du règlement |
            date d'encaissement | date de valeur | reçu le | payé le | date
        """),
            written.day,
            required=True,
        ),
        "invoice": Column(INVOICE_NAMES),
        "debtor": Column(DEBTOR_NAMES),
        "currency": CURRENCY,
    },
    telling=("invoice", "debtor"),
)

CREDIT_NOTES = Kind(
    "credit_note.issued",
    "credit notes",
    {
        "creditor": CREDITOR,
        "number": Column(
            _names("""
            credit note | credit note number | credit note no | credit memo | numéro d'avoir |
            numéro avoir | n° avoir | n° d'avoir | no avoir | avoir
        """),
            required=True,
        ),
        "issue_date": Column(
            _names("""
            issue date | credit note date | date d'avoir | date de l'avoir | date avoir |
            date d'émission | date
        """),
            written.day,
            required=True,
        ),
        "total": Column(
            _names("""
            total | total ttc | montant ttc | ttc | credited amount | montant de l'avoir |
            montant avoir | amount | montant
        """),
            written.amount,
            required=True,
        ),
        "invoice": Column(INVOICE_NAMES),
        "debtor": Column(DEBTOR_NAMES),
        "currency": CURRENCY,
    },
    telling=("invoice", "debtor"),
)

KINDS = (INVOICES, DEBTORS, PAYMENTS, CREDIT_NOTES)
