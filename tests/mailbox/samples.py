"""Mails as they come back: replies, reports and automatic answers, written as mail programs write them.

In: bytes. Not in: what they mean (the tests say so).
"""

from base64 import b64encode

OURS = "<0b9a4c52-7f5e-5d0e-9c8e-5a0f1f2f3a4b@acme.example>"
KEY = "0b9a4c52-7f5e-5d0e-9c8e-5a0f1f2f3a4b"
DEBTOR = "factures@dubois.example"
REPLY_ID = "<answer-1@dubois.example>"


def mail(body: str | bytes = "Bonjour, c'est payé.\n", **fields: str) -> bytes:
    """Writes a mail from the debtor; a field is named with underscores for hyphens, "" leaves it out."""
    stated = {
        "From": f"Paul Dubois <{DEBTOR}>",
        "To": "compta@acme.example",
        "Subject": "Re: Facture F-1",
        "Date": "Mon, 02 Mar 2026 11:30:00 +0100",
        "Message-ID": REPLY_ID,
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in stated.items() if value)
    content = body.encode() if isinstance(body, str) else body
    return f"{head}\r\n".encode() + content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def reply(body: str = "Bonjour, c'est payé.\n", answered: str = OURS, **fields: str) -> bytes:
    """Writes a reply to one of our messages."""
    return mail(body, **({"In_Reply_To": answered, "References": f"<first@x.example> {answered}"} | fields))


def original(message_id: str = OURS, key: str = KEY) -> str:
    """Writes the header fields of one of our messages."""
    return (
        "From: Acme SAS <compta@acme.example>\n"
        f"To: {DEBTOR}\n"
        "Subject: Facture F-1\n"
        f"Message-ID: {message_id}\n"
        "Auto-Submitted: auto-generated\n"
        f"X-Relance-Key: {key}\n"
    )


def recipient(
    status: str = "5.1.1", action: str = "failed", address: str = DEBTOR, diagnostic: str = ""
) -> str:
    """Writes what a report says of one recipient."""
    said = f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else ""
    stated = f"Status: {status}\n" if status else ""
    named = f"Original-Recipient: rfc822;{address}\nFinal-Recipient: rfc822; {address}\n"
    return f"{named}Action: {action}\n{stated}{said}"


def report(*recipients: str, returned: str = "", kind: str = "text/rfc822-headers", **fields: str) -> bytes:
    """Writes a delivery report as Postfix does; `returned` is what it gives back of our message."""
    groups = "\n".join(recipients or (recipient(),))
    body = (
        "This is a MIME-encapsulated message.\n\n--B/1\n"
        "Content-Description: Notification\nContent-Type: text/plain; charset=utf-8\n\n"
        f"I'm sorry to have to inform you that your message could not be delivered to <{DEBTOR}>.\n\n"
        "--B/1\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx.acme.example\nArrival-Date: Mon,  2 Mar 2026 11:00:00 +0100 (CET)\n\n"
        f"{groups}\n--B/1\nContent-Description: Undelivered Message Headers\nContent-Type: {kind}\n\n"
        f"{returned or original()}\n--B/1--\n"
    )
    stated = {
        "From": "MAILER-DAEMON@mx.acme.example (Mail Delivery System)",
        "Subject": "Undelivered Mail Returned to Sender",
        "Auto_Submitted": "auto-replied",
        "MIME_Version": "1.0",
        "Content_Type": 'multipart/report; report-type=delivery-status;\n boundary="B/1"',
        "Message_ID": "<20260302.1@mx.acme.example>",
    }
    return mail(body, **(stated | fields))


def qmail(message_id: str = OURS, subject: str = "failure notice") -> bytes:
    """Writes a bounce as qmail does, in words alone."""
    body = (
        "Hi. This is the qmail-send program at mx.acme.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
        f"<{DEBTOR}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        f"--- Below this line is a copy of the message.\n\n{original(message_id)}\nBonjour,\n"
    )
    return mail(
        body, From="MAILER-DAEMON@mx.acme.example", Subject=subject, Message_ID="<q1@mx.acme.example>"
    )


def parts(*contents: tuple[str, str]) -> str:
    """Writes the body of a multipart mail, its boundary is `b`, from pairs of media type and text."""
    written = "".join(f"--b\nContent-Type: {media}\n\n{content}\n" for media, content in contents)
    return f"{written}--b--\n"


def base64(text: str, charset: str = "utf-8") -> str:
    """Encodes a text as the body of a part."""
    return b64encode(text.encode(charset)).decode()
