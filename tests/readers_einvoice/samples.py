"""Electronic invoices written for the tests, in both syntaxes and as Factur-X.

In: one invoice of the Ateliers de la Marée to the Verger du Sud, any part of which can be replaced.
Not in: anybody's real invoices.
"""

import io
from datetime import date

import facturx
from pypdf import PdfWriter

from domain.receivable import Creditor, Debtor

IBAN = "FR1420041010050500013M02606"
SELLER_SIREN, SELLER_VAT = "732829320", "FR44732829320"
BUYER_SIREN, BUYER_VAT = "404833048", "FR83404833048"
EXTENDED = "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended"
MINIMUM = "urn:factur-x.eu:1p0:minimum"

CREDITOR = Creditor(
    id="maree",
    legal_name="Ateliers de la Marée SAS",
    siren=SELLER_SIREN,
    vat=SELLER_VAT,
    address={"lines": ("12 quai des Chartrons",), "postcode": "33000", "city": "Bordeaux"},
    email="comptabilite@maree.example",
    iban=IBAN,
)
DEBTOR = Debtor(creditor="maree", id="verger", legal_name="Le Verger du Sud SARL", siren=BUYER_SIREN)


def tag(name: str, text: object | None, **attributes: str) -> str:
    """Writes an element, or nothing where there is no text."""
    if text is None:
        return ""
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{written}>{text}</{name}>"


# CII

CII_LINE = """<ram:IncludedSupplyChainTradeLineItem>
<ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
<ram:SpecifiedTradeProduct><ram:Name>Filets</ram:Name></ram:SpecifiedTradeProduct>
<ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>100.00</ram:ChargeAmount>
</ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>
<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">1</ram:BilledQuantity>
</ram:SpecifiedLineTradeDelivery>
<ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax><ram:TypeCode>VAT</ram:TypeCode>
<ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>20.00</ram:RateApplicablePercent>
</ram:ApplicableTradeTax><ram:SpecifiedTradeSettlementLineMonetarySummation>
<ram:LineTotalAmount>100.00</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLineMonetarySummation>
</ram:SpecifiedLineTradeSettlement></ram:IncludedSupplyChainTradeLineItem>"""

CII_SELLER = f"""<ram:SellerTradeParty><ram:GlobalID schemeID="0009">{SELLER_SIREN}00074</ram:GlobalID>
<ram:Name>Ateliers de la Marée SAS</ram:Name>
<ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">{SELLER_SIREN}</ram:ID>
</ram:SpecifiedLegalOrganization>
<ram:PostalTradeAddress><ram:PostcodeCode>33000</ram:PostcodeCode>
<ram:LineOne>12 quai des Chartrons</ram:LineOne>
<ram:CityName>Bordeaux</ram:CityName><ram:CountryID>FR</ram:CountryID></ram:PostalTradeAddress>
<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">{SELLER_VAT}</ram:ID></ram:SpecifiedTaxRegistration>
</ram:SellerTradeParty>"""

CII_BUYER = f"""<ram:BuyerTradeParty><ram:ID>C-0042</ram:ID><ram:Name>Le Verger du Sud SARL</ram:Name>
<ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">{BUYER_SIREN}</ram:ID>
</ram:SpecifiedLegalOrganization>
<ram:DefinedTradeContact><ram:PersonName>Service comptabilité</ram:PersonName>
<ram:EmailURIUniversalCommunication><ram:URIID>factures@verger.example</ram:URIID>
</ram:EmailURIUniversalCommunication></ram:DefinedTradeContact>
<ram:PostalTradeAddress><ram:PostcodeCode>13001</ram:PostcodeCode>
<ram:LineOne>4 rue des Oliviers</ram:LineOne>
<ram:CityName>Marseille</ram:CityName><ram:CountryID>FR</ram:CountryID></ram:PostalTradeAddress>
<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">FR 83 404 833 048</ram:ID></ram:SpecifiedTaxRegistration>
</ram:BuyerTradeParty>"""


def cii_day(day: str) -> str:
    """Writes a day as CII does."""
    return f'<udt:DateTimeString format="102">{day.replace("-", "")}</udt:DateTimeString>'


def cii_term(
    text: str | None = None, due: str | None = None, amount: str | None = None, discount: str | None = None
) -> str:
    """Writes one group of payment terms."""
    day = tag("ram:DueDateDateTime", cii_day(due)) if due else ""
    offer = tag("ram:ApplicableTradePaymentDiscountTerms", discount)
    inside = tag("ram:Description", text) + day + tag("ram:PartialPaymentAmount", amount) + offer
    return tag("ram:SpecifiedTradePaymentTerms", inside)


def cii_means(code: str = "30", *ibans: str) -> str:
    """Writes means of payment, one for each account."""
    account = "ram:PayeePartyCreditorFinancialAccount"
    accounts = [tag(account, tag("ram:IBANID", iban)) for iban in ibans] or [""]
    name = "ram:SpecifiedTradeSettlementPaymentMeans"
    return "".join(tag(name, tag("ram:TypeCode", code) + each) for each in accounts)


def cii(
    *,
    profile: str = "urn:cen.eu:en16931:2017",
    number: str = "F-2026-7",
    code: str = "380",
    issued: str = "2026-03-01",
    notes: str = "",
    seller: str = CII_SELLER,
    buyer: str = CII_BUYER,
    currency: str = "EUR",
    reference: str | None = "RF97F20260023",
    payee: str = "",
    means: str | None = None,
    terms: str | None = None,
    total: str = "120.00",
    prepaid: str | None = None,
    rounding: str | None = None,
    due: str = "120.00",
    preceding: tuple[str, ...] = (),
) -> bytes:
    """Writes a CII invoice; amounts are given, never worked out."""
    means = cii_means("30", IBAN) if means is None else means
    terms = cii_term("30 jours net", "2026-03-31") if terms is None else terms
    before = "".join(
        tag("ram:InvoiceReferencedDocument", tag("ram:IssuerAssignedID", each)) for each in preceding
    )
    written = f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
{tag("ram:ID", profile)}</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument>{tag("ram:ID", number)}{tag("ram:TypeCode", code)}
{tag("ram:IssueDateTime", cii_day(issued))}{notes}</rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>{CII_LINE}
<ram:ApplicableHeaderTradeAgreement><ram:BuyerReference>SERVICE-1</ram:BuyerReference>
{seller}{buyer}
<ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>BC-4471</ram:IssuerAssignedID>
</ram:BuyerOrderReferencedDocument></ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeDelivery><ram:ActualDeliverySupplyChainEvent>
{tag("ram:OccurrenceDateTime", cii_day("2026-02-26"))}</ram:ActualDeliverySupplyChainEvent>
<ram:DespatchAdviceReferencedDocument><ram:IssuerAssignedID>BL-9</ram:IssuerAssignedID>
</ram:DespatchAdviceReferencedDocument></ram:ApplicableHeaderTradeDelivery>
<ram:ApplicableHeaderTradeSettlement>{tag("ram:PaymentReference", reference)}
{tag("ram:InvoiceCurrencyCode", currency)}{payee}{means}
<ram:ApplicableTradeTax><ram:CalculatedAmount>20.00</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>
<ram:BasisAmount>100.00</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>
<ram:RateApplicablePercent>20.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>{terms}
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount>
<ram:TaxBasisTotalAmount>100.00</ram:TaxBasisTotalAmount>
{tag("ram:TaxTotalAmount", "20.00", currencyID=currency)}{tag("ram:RoundingAmount", rounding)}
{tag("ram:GrandTotalAmount", total)}{tag("ram:TotalPrepaidAmount", prepaid)}{tag("ram:DuePayableAmount", due)}
</ram:SpecifiedTradeSettlementHeaderMonetarySummation>{before}</ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"""
    return written.encode()


# UBL

UBL_SELLER = f"""<cac:Party><cac:PartyIdentification><cbc:ID schemeID="0009">{SELLER_SIREN}00074</cbc:ID>
</cac:PartyIdentification><cac:PostalAddress><cbc:StreetName>12 quai des Chartrons</cbc:StreetName>
<cbc:CityName>Bordeaux</cbc:CityName><cbc:PostalZone>33000</cbc:PostalZone>
<cac:Country><cbc:IdentificationCode>FR</cbc:IdentificationCode></cac:Country></cac:PostalAddress>
<cac:PartyTaxScheme><cbc:CompanyID>{SELLER_VAT}</cbc:CompanyID>
<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
<cac:PartyLegalEntity><cbc:RegistrationName>Ateliers de la Marée SAS</cbc:RegistrationName>
<cbc:CompanyID schemeID="0002">{SELLER_SIREN}</cbc:CompanyID></cac:PartyLegalEntity></cac:Party>"""

UBL_BUYER = f"""<cac:Party><cbc:EndpointID schemeID="0225">{BUYER_SIREN}</cbc:EndpointID>
<cac:PartyIdentification><cbc:ID>C-0042</cbc:ID></cac:PartyIdentification>
<cac:PostalAddress><cbc:StreetName>4 rue des Oliviers</cbc:StreetName><cbc:CityName>Marseille</cbc:CityName>
<cbc:PostalZone>13001</cbc:PostalZone>
<cac:Country><cbc:IdentificationCode>FR</cbc:IdentificationCode></cac:Country></cac:PostalAddress>
<cac:PartyTaxScheme><cbc:CompanyID>{BUYER_VAT}</cbc:CompanyID>
<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
<cac:PartyLegalEntity><cbc:RegistrationName>Le Verger du Sud SARL</cbc:RegistrationName>
<cbc:CompanyID schemeID="0002">{BUYER_SIREN}</cbc:CompanyID></cac:PartyLegalEntity>
<cac:Contact><cbc:Name>Service comptabilité</cbc:Name>
<cbc:ElectronicMail>factures@verger.example</cbc:ElectronicMail></cac:Contact></cac:Party>"""


def ubl_term(
    text: str | None = None,
    percent: str | None = None,
    amount: str | None = None,
    due: str | None = None,
    period: str | None = None,
) -> str:
    """Writes one group of payment terms."""
    inside = tag("cbc:Note", text) + tag("cbc:SettlementDiscountPercent", percent)
    inside += tag("cbc:Amount", amount, currencyID="EUR") + tag("cbc:InstallmentDueDate", due)
    return tag("cac:PaymentTerms", inside + tag("cac:SettlementPeriod", period))


def ubl_means(code: str = "30", reference: str | None = None, iban: str | None = None, due: str = "") -> str:
    """Writes means of payment."""
    account = tag("cac:PayeeFinancialAccount", tag("cbc:ID", iban)) if iban else ""
    inside = tag("cbc:PaymentMeansCode", code) + tag("cbc:PaymentDueDate", due or None)
    return tag("cac:PaymentMeans", inside + tag("cbc:PaymentID", reference) + account)


def ubl(
    *,
    kind: str = "Invoice",
    profile: str = "urn:cen.eu:en16931:2017",
    number: str = "F-2026-7",
    code: str | None = None,
    issued: str = "2026-03-01",
    due_date: str | None = "2026-03-31",
    notes: tuple[str, ...] = (),
    seller: str = UBL_SELLER,
    buyer: str = UBL_BUYER,
    currency: str = "EUR",
    means: str | None = None,
    terms: str | None = None,
    total: str = "120.00",
    prepaid: str | None = None,
    rounding: str | None = None,
    due: str = "120.00",
    preceding: tuple[str, ...] = (),
) -> bytes:
    """Writes a UBL invoice or credit note; amounts are given, never worked out."""
    code = code or ("380" if kind == "Invoice" else "381")
    means = ubl_means("30", "RF97F20260023", IBAN) if means is None else means
    terms = ubl_term("30 jours net") if terms is None else terms
    before = "".join(
        tag("cac:BillingReference", tag("cac:InvoiceDocumentReference", tag("cbc:ID", each)))
        for each in preceding
    )

    def money(name: str, amount: str | None) -> str:
        return tag(f"cbc:{name}", amount, currencyID=currency)

    quantity = "InvoicedQuantity" if kind == "Invoice" else "CreditedQuantity"
    written = f"""<?xml version="1.0" encoding="UTF-8"?>
<{kind} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{kind}-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
{tag("cbc:CustomizationID", profile)}{tag("cbc:ID", number)}{tag("cbc:IssueDate", issued)}
{tag("cbc:DueDate", due_date if kind == "Invoice" else None)}{tag(f"cbc:{kind}TypeCode", code)}
{"".join(tag("cbc:Note", note) for note in notes)}{tag("cbc:DocumentCurrencyCode", currency)}
<cbc:BuyerReference>SERVICE-1</cbc:BuyerReference>
<cac:OrderReference><cbc:ID>BC-4471</cbc:ID></cac:OrderReference>{before}
<cac:DespatchDocumentReference><cbc:ID>BL-9</cbc:ID></cac:DespatchDocumentReference>
{tag("cac:AccountingSupplierParty", seller)}{tag("cac:AccountingCustomerParty", buyer)}
<cac:Delivery><cbc:ActualDeliveryDate>2026-02-26</cbc:ActualDeliveryDate></cac:Delivery>
{means}{terms}
<cac:TaxTotal>{money("TaxAmount", "20.00")}</cac:TaxTotal>
<cac:LegalMonetaryTotal>{money("LineExtensionAmount", "100.00")}{money("TaxExclusiveAmount", "100.00")}
{money("TaxInclusiveAmount", total)}{money("PrepaidAmount", prepaid)}
{money("PayableRoundingAmount", rounding)}{money("PayableAmount", due)}</cac:LegalMonetaryTotal>
<cac:{kind}Line><cbc:ID>1</cbc:ID><cbc:{quantity} unitCode="C62">1</cbc:{quantity}>
{money("LineExtensionAmount", "100.00")}<cac:Item><cbc:Name>Filets</cbc:Name></cac:Item>
<cac:Price>{money("PriceAmount", "100.00")}</cac:Price></cac:{kind}Line>
</{kind}>"""
    return written.encode()


# PDF


def blank_pdf() -> bytes:
    """Makes a PDF of one blank page."""
    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    return _bytes(writer)


def factur_x(content: bytes) -> bytes:
    """Makes a Factur-X of a blank page, with the standard's own tool."""
    made: bytes = facturx.generate_from_binary(blank_pdf(), content, check_xsd=False)
    return made


def pdf_with(*attachments: tuple[str, bytes]) -> bytes:
    """Makes a PDF with attachments of any name and content."""
    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    for name, content in attachments:
        writer.add_attachment(name, content)
    return _bytes(writer)


def _bytes(writer: PdfWriter) -> bytes:
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def day(text: str) -> date:
    """Reads a civil day."""
    return date.fromisoformat(text)
