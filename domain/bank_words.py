"""Words that payers and banks write in French, German, English and Spanish, in folded capitals.

In: what a word beside a number, or in a text, says about the money; the parts of names that tell nothing.
Not in: how a text is read (remittance.py, evidence.py) and how names are compared (payers.py).
"""

INVOICE_WORDS = frozenset({
    "FAC", "FACT", "FACTURE", "FACTURES", "FACTUUR", "FACTURA", "FACTURAS", "FRA", "FATTURA", "FA", "F",
    "FT", "INV", "INVOICE", "INVOICES", "BILL", "RE", "RG", "RECHNUNG", "RECHNUNGEN", "RECHNUNGSNR",
    "RECHNR", "RGNR", "RNR",
})  # fmt: skip
"""Words before a number that say it is an invoice's, and prefixes written instead of the real one."""

LINKING_WORDS = frozenset({
    "N", "NO", "NOS", "NR", "NUM", "NUMERO", "NUMBER", "ET", "AND", "UND", "Y", "E", "I",
})  # fmt: skip
"""Words that stand between an invoice word and its numbers."""

OTHER_WORDS = frozenset({
    "AV", "AVOIR", "AVOIRS", "CREDIT", "GUTSCHRIFT", "ABONO", "BC", "BDC", "CDE", "CMD", "COMMANDE",
    "ORDER", "PO", "PEDIDO", "BESTELLUNG", "BL", "LIVRAISON", "DEVIS", "QUOTE", "ANGEBOT", "CLIENT",
    "CLI", "CUSTOMER", "KUNDE", "KUNDENNR", "KD", "CLIENTE", "CONTRAT", "CONTRACT", "VERTRAG",
    "DOSSIER", "AFFAIRE", "PROJET", "DU", "LE", "AU", "DEL", "VOM", "AM", "ON", "DATE", "DATUM",
    "DATED", "EUR", "EUROS", "USD", "GBP", "CHF", "MONTANT", "BETRAG", "CP", "TEL", "FAX", "SIREN",
    "SIRET", "TVA", "VAT", "UST", "RUE", "AVENUE", "BP", "CS", "CEDEX", "MANDAT", "LOT", "REMISE",
})  # fmt: skip
"""Words before a number that say it is something else: an order, a customer, a day, an amount, a place."""

CHARGES_WORDS = frozenset({
    "FRAIS", "CHARGES", "CHARGE", "FEE", "FEES", "COMMISSION", "COMMISSIONS", "GEBUHR", "GEBUHREN",
    "GEBUEHREN", "SPESEN", "GASTOS",
})  # fmt: skip
"""Words that say banks have kept something."""

ADVANCE_WORDS = frozenset({
    "ACOMPTE", "ACOMPTES", "ARRHES", "AVANCE", "PROVISION", "ANZAHLUNG", "VORAUSZAHLUNG", "ANTICIPO",
    "DEPOSIT", "ADVANCE", "PREPAYMENT",
})  # fmt: skip
"""Words that say the money is for something to come."""

RETURN_WORDS = frozenset({
    "IMPAYE", "IMPAYES", "REJET", "REJETE", "REJETEE", "RETOUR", "RETOURNE", "RUECKLASTSCHRIFT",
    "RUCKLASTSCHRIFT", "RUECKGABE", "RETOURE", "RETURN", "RETURNED", "RETURNS", "DEVOLUCION",
    "DEVUELTO", "UNPAID", "BOUNCED", "REJECT", "REJECTED", "CHARGEBACK",
})  # fmt: skip
"""Words that say money goes back."""

LEGAL_FORMS = frozenset({
    "SAS", "SASU", "SARL", "EURL", "SA", "SNC", "SCI", "SCOP", "SELARL", "SCA", "EI", "GMBH", "MBH",
    "AG", "KG", "OHG", "UG", "GBR", "EK", "SE", "SL", "SLU", "SLL", "SAU", "LTD", "PLC", "LLP", "LLC",
    "INC", "CORP", "BV", "NV", "BVBA", "SPRL", "SRL", "SPA", "AB", "AS", "APS", "OY", "SP",
})  # fmt: skip
"""Legal forms, compared apart from the rest of a name."""

CONNECTORS = frozenset({
    "ET", "AND", "UND", "Y", "E", "CO", "THE", "LE", "LA", "LES", "L", "D", "DE", "DU", "DES", "OF",
})  # fmt: skip
"""Words of a name that are left out as easily as written."""

SHORT_FORMS = {
    "ETS": "ETABLISSEMENTS", "STE": "SOCIETE", "CIE": "COMPAGNIE", "FRS": "FRERES", "ST": "SAINT",
    "STES": "SOCIETES", "TPTS": "TRANSPORTS", "INTL": "INTERNATIONAL", "GEBR": "GEBRUDER", "HNOS": "HERMANOS",
    "BROS": "BROTHERS", "COMPANY": "CO", "LIMITED": "LTD", "CORPORATION": "CORP", "INCORPORATED": "INC",
}  # fmt: skip
"""Short forms that stand for whole words, and whole words that stand for legal forms."""
