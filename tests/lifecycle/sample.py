"""Life-cycle messages for the tests, written for them.

In: a message of one status, with what the tests vary. Not in: reading it.
"""

from xml.sax.saxutils import escape

ROOT = "CrossDomainAcknowledgementAndResponse"
SPACES = " ".join(
    f'xmlns:{prefix}="urn:un:unece:uncefact:data:standard:{name}:100"'
    for prefix, name in (
        ("rsm", ROOT),
        ("ram", "ReusableAggregateBusinessInformationEntity"),
        ("udt", "UnqualifiedDataType"),
        ("qdt", "QualifiedDataType"),
    )
)


def instant(digits: str, form: str = "204", prefix: str = "udt") -> str:
    """Writes a date or a date and time."""
    return f'<{prefix}:DateTimeString format="{form}">{digits}</{prefix}:DateTimeString>'


def amount(
    kind: str, value: str | None = None, currency: str = "EUR", percent: str | None = None, day: str = ""
) -> str:
    """Writes an amount of a status."""
    worth = f'<ram:ValueAmount currencyID="{currency}">{value}</ram:ValueAmount>' if value else ""
    when = f"<ram:ValueDateTime>{instant(day, '102')}</ram:ValueDateTime>" if day else ""
    rate = f"<ram:ValuePercent>{percent}</ram:ValuePercent>" if percent else ""
    inside = f"<ram:TypeCode>{kind}</ram:TypeCode>{worth}{when}{rate}"
    return f"<ram:SpecifiedDocumentCharacteristic>{inside}</ram:SpecifiedDocumentCharacteristic>"


def detail(
    *amounts: str, reason: str | None = None, said: str | None = None, action: str | None = None
) -> str:
    """Writes the detail of a status: why, what is asked for, how much."""
    parts = (("ReasonCode", reason), ("Reason", said), ("RequestedActionCode", action))
    told = "".join(f"<ram:{name}>{escape(text)}</ram:{name}>" for name, text in parts if text)
    return f"<ram:SpecifiedDocumentStatus>{told}{''.join(amounts)}</ram:SpecifiedDocumentStatus>"


def reference(
    code: str,
    *details: str,
    number: str = "F-2026-7",
    issued: str = "20260301",
    seller: str = "732829320",
    kind: str = "380",
) -> str:
    """Writes what a message says of one invoice."""
    day = f"<ram:FormattedIssueDateTime>{instant(issued, '102', 'qdt')}</ram:FormattedIssueDateTime>"
    party = (
        f'<ram:IssuerTradeParty><ram:GlobalID schemeID="0002">{seller}</ram:GlobalID></ram:IssuerTradeParty>'
    )
    return (
        f"<ram:ReferenceReferencedDocument><ram:IssuerAssignedID>{escape(number)}</ram:IssuerAssignedID>"
        f"<ram:TypeCode>{kind}</ram:TypeCode>{day if issued else ''}"
        f"<ram:ProcessConditionCode>{code}</ram:ProcessConditionCode>{party if seller else ''}"
        f"{''.join(details)}</ram:ReferenceReferencedDocument>"
    )


def message(
    *references: str,
    name: str = "F-2026-7_207#1",
    at: str = "20260302100000",
    reporter: str = "BY",
    recipients: str = "",
) -> bytes:
    """Writes a message about some invoices."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rsm:{ROOT} {SPACES}>\n'
        f"<rsm:ExchangedDocument><ram:ID>{escape(name)}</ram:ID>"
        f"<ram:IssuerTradeParty><ram:RoleCode>{reporter}</ram:RoleCode></ram:IssuerTradeParty>{recipients}"
        "</rsm:ExchangedDocument>\n<rsm:AcknowledgementDocument>"
        f"<ram:IssueDateTime>{instant(at)}</ram:IssueDateTime>\n"
        + "\n".join(references)
        + f"</rsm:AcknowledgementDocument>\n</rsm:{ROOT}>\n"
    ).encode()


DISPUTED = message(
    reference("207", detail(amount("DIV", percent="10.00"), reason="TX_TVA_ERR", said=" Taux\nerroné "))
)
CASHED = message(
    reference("212", detail(amount("MEN", "1000.00", percent="20.00"), amount("MEN", "55", percent="5.5"))),
    name="F-2026-7_212#1",
    reporter="SE",
)
PAID = message(reference("211", detail(amount("MPA", "1055.00", day="20260305"))))
