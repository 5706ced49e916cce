"""Messages shown safely: as they left, and as the next one will.

In: reading the evidence, rendering a preview, answers that can do nothing in the browser.
Not in: which message is asked for (pages/messages.py, pages/case.py).

What a message says was partly written by others: it is shown in a frame of its own, where nothing runs,
nothing is fetched and no form is sent.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from fastapi.responses import HTMLResponse, Response

from correspondence.call import render_call
from correspondence.email import render_email
from correspondence.letter import render_letter
from correspondence.wording import Wording
from domain.faults import NotFound
from domain.policy import Channel
from domain.reminder import Reminder
from ledger.messages import MessageRecord

FRAMED = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; "
    "frame-ancestors 'self'"
)
PAPER = "body{font:1rem/1.5 system-ui,sans-serif;margin:1rem;color:#222;background:#fff;white-space:pre-wrap}"
PDF = b"%PDF-"


class Words(NamedTuple):
    """Holds a message as people read it; `files` are the names of what was attached."""

    sender: str
    recipients: str
    subject: str
    html: str
    files: tuple[str, ...] = ()


@cache
def _wording(folder: Path) -> Wording:
    return Wording.unproven(folder)


async def rendered(reminder: Reminder, folder: Path) -> Words | bytes:
    """Renders a message that has not left: an e-mail or a call as words, a letter as its PDF.

    Raises ConfigurationFault or InputRefused where it cannot be rendered; it could not leave either.
    """
    return await asyncio.to_thread(_rendered, reminder, folder)


def _rendered(reminder: Reminder, folder: Path) -> Words | bytes:
    wording = _wording(folder)
    match reminder.channel:
        case Channel.LETTER:
            return render_letter(reminder, wording).pdf
        case Channel.EMAIL:
            email = render_email(reminder, wording)
            html = _with_images(email.html, {email.code_id: email.code} if email.code else {})
            to = ", ".join(address.addr_spec for address in email.recipients)
            return Words(str(email.sender), to, email.subject, html, _files(reminder))
        case _:
            sheet = render_call(reminder, wording)
            return Words("", ", ".join(sheet.phones), sheet.title, paper(sheet.script))


def _files(reminder: Reminder) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.pdf for line in reminder.lines if line.pdf is not None))


def evidence(record: MessageRecord, folder: Path) -> bytes:
    """Reads the bytes of a message as they left; raises NotFound where they are not there or not the same."""
    if record.evidence_path is None or record.sha256 is None:
        msg = "this message did not leave: there is nothing to show"
        raise NotFound(msg)
    root = folder.resolve()
    path = (root / record.evidence_path).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        msg = f"the evidence of message {record.id} is not in the folder of the evidence: put it back"
        raise NotFound(msg)
    content = path.read_bytes()
    if sha256(content).hexdigest() != record.sha256:
        msg = f"the evidence of message {record.id} is not what left: its bytes have been changed since"
        raise NotFound(msg)
    return content


def read_mail(content: bytes) -> Words:
    """Reads an e-mail as it left."""
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("html", "plain"))
    said = str(body.get_content()) if body is not None else ""
    is_html = body is not None and body.get_content_subtype() == "html"
    images = {
        str(part["Content-ID"]).strip("<>"): part.get_content()
        for part in mail.walk()
        if part.get_content_maintype() == "image" and part["Content-ID"]
    }
    return Words(
        sender=str(mail["From"] or ""),
        recipients=str(mail["To"] or ""),
        subject=str(mail["Subject"] or ""),
        html=_with_images(said, images) if is_html else paper(said),
        files=tuple(part.get_filename() or "" for part in mail.iter_attachments() if part.get_filename()),
    )


def _with_images(html: str, images: Mapping[str, bytes]) -> str:
    """Puts the images of a message into its text: nothing is fetched to show it."""
    for name, content in images.items():
        html = html.replace(f"cid:{name}", f"data:image/png;base64,{b64encode(content).decode()}")
    return html


def paper(text: str) -> str:
    """Writes plain text as a page."""
    return f"<!doctype html><meta charset=utf-8><style>{PAPER}</style>{escape(text)}"


def framed(html: str) -> Response:
    """Answers with a message for a frame: it can do nothing there."""
    return HTMLResponse(html, headers={"Content-Security-Policy": FRAMED, "X-Frame-Options": "SAMEORIGIN"})


def file(content: bytes, name: str, *, kind: str = "application/pdf") -> Response:
    """Answers with a file: a PDF is shown by the browser, anything else is kept."""
    how = "inline" if kind == "application/pdf" else "attachment"
    headers = {
        "Content-Disposition": f"{how}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'",
        "X-Frame-Options": "SAMEORIGIN",
    }
    return Response(content, media_type=kind, headers=headers)


def document(name: str | None, folder: Path) -> bytes:
    """Reads the PDF of an invoice from the documents folder; raises NotFound for anything else."""
    root = folder.resolve()
    path = (root / (name or "")).resolve()
    if name is None or not path.is_relative_to(root) or not path.is_file():
        msg = "the PDF of this invoice is not in the documents folder"
        raise NotFound(msg)
    content = path.read_bytes()
    if not content.startswith(PDF):
        msg = f"{name} is not a PDF"
        raise NotFound(msg)
    return content
