"""The dispatch: prepares a claimed message as bytes, keeps the evidence, hands it over by its channel.

In: e-mails to the mail room, letters into the outbox folder, the handoff folder.
Not in: the claim (gate.py), the SMTP conversation (mail.py), the words (correspondence/).
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from activities.desk import Desk
from activities.documents import find_pdf
from activities.mail import Delivery, Fate, LastWord, MailRoom
from config.sections import Folders
from correspondence.call import render_call
from correspondence.dossier import Manifest, SentMessage, write_handoff
from correspondence.email import Attachment, message_id, render_email, to_mime
from correspondence.letter import render_letter
from correspondence.postbook import PostBook
from correspondence.wording import Wording
from domain.actions import CaseRef, Ending
from domain.faults import ConfigurationFault, NotFound
from domain.gate import Call
from domain.policy import Channel
from domain.reminder import Reminder
from ledger import queries
from ledger.queries import CaseFile


class Unattachable(NotFound):
    """Says which invoices a message cannot speak for: the documents to attach are not there."""

    def __init__(self, why: str, numbers: frozenset[str]) -> None:
        """Names the invoices."""
        super().__init__(why)
        self.numbers = numbers


@dataclass(frozen=True)
class Parcel:
    """Holds a message ready to leave, exactly as it will be handed over.

    `sha256` is of the bytes, `digest` of the words alone; `evidence` is where the bytes will be kept once
    they may leave, `draft` where they lie until then.
    """

    channel: Channel
    content: bytes
    sha256: str
    digest: str
    header: str
    evidence: Path
    draft: Path
    sender: str
    recipients: Sequence[str]


@dataclass(frozen=True)
class Dispatch:
    """Prepares and hands over messages."""

    folders: Folders
    wording: Wording
    mail: MailRoom
    attachments_limit: int

    def prepare(self, reminder: Reminder, message: str, now: datetime) -> Parcel:
        """Renders a message and writes its bytes down as evidence; `hand_over` waits until the disk has it.

        Raises ConfigurationFault or InputRefused where it cannot be rendered, NotFound for an invoice
        document that should be attached and is not there.
        """
        if reminder.channel is Channel.LETTER:
            letter = render_letter(reminder, self.wording)
            return self._parcel(reminder, message, letter.pdf, letter.digest, "", "pdf")
        email = replace(render_email(reminder, self.wording), id=UUID(message))
        header = message_id(reminder).replace(str(reminder.id), message)
        mime = to_mime(email, message_id=header, sent_at=now, attachments=self._attachments(reminder))
        return self._parcel(reminder, message, mime, email.digest, header, "eml")

    def script(self, call: Call) -> Mapping[str, str]:
        """Writes the script of a call, where its step names one."""
        if not self.wording.speaks(call.reminder.wording):
            return {}
        sheet = render_call(call.reminder, self.wording)
        return {"title": sheet.title, "script": sheet.script, "phones": ", ".join(sheet.phones)}

    def _parcel(
        self, reminder: Reminder, message: str, content: bytes, digest: str, header: str, suffix: str
    ) -> Parcel:
        name = (
            f"{reminder.day.isoformat()}_{_plain(reminder.lead)}_{_plain(reminder.step)}_{message}.{suffix}"
        )
        evidence = self.folders.evidence / name
        draft = evidence.with_name(f".{name}.{token_hex(4)}")
        _keep(draft, content)
        return Parcel(
            channel=reminder.channel,
            content=content,
            sha256=sha256(content).hexdigest(),
            digest=digest,
            header=header,
            evidence=evidence,
            draft=draft,
            sender=reminder.creditor.email,
            recipients=reminder.recipients,
        )

    def _attachments(self, reminder: Reminder) -> list[Attachment]:
        """Reads the invoices to attach; leaves them all out when together they pass the limit."""
        files = {line.document: line.pdf for line in reminder.lines if line.pdf is not None}
        paths: dict[str, Path] = {}
        missing: dict[str, NotFound] = {}
        for document, name in files.items():
            try:
                paths[document] = find_pdf(self.folders, document, name)
            except NotFound as fault:
                missing[document] = fault
        if missing:
            numbers = frozenset(line.number for line in reminder.lines if line.document in missing)
            raise Unattachable("; ".join(map(str, missing.values())), numbers)
        if sum(path.stat().st_size for path in paths.values()) > self.attachments_limit:
            return []
        return [(f"{_plain(document)}.pdf", path.read_bytes()) for document, path in paths.items()]

    @cached_property
    def postbook(self) -> PostBook:
        """Gives the post book, which lies beside the evidence."""
        return PostBook(self.folders.evidence)

    async def hand_over(self, parcel: Parcel, may_leave: LastWord) -> Delivery:
        """Hands a message over, if it may leave: no last word is asked for before its evidence is safe.

        The disk and the mail server are waited for at the same time, and nobody else waits with them.
        """
        safe = asyncio.create_task(asyncio.to_thread(_sync, parcel.draft))

        async def last_word() -> bool:
            if await safe or not await may_leave():
                return False
            # Not before: an attempt that comes back too late must not touch the evidence of what was sent.
            parcel.draft.replace(parcel.evidence)
            return True

        try:
            delivery = await self._deliver(parcel, last_word)
            fault = await safe
        finally:
            parcel.draft.unlink(missing_ok=True)
        return Delivery(Fate.NOT_NOW, fault) if fault and delivery.fate is Fate.WITHDRAWN else delivery

    async def _deliver(self, parcel: Parcel, may_leave: LastWord) -> Delivery:
        """Hands an e-mail to the mail room; a letter is handed over by lying in the outbox folder, whole."""
        if parcel.channel is not Channel.LETTER:
            return await self.mail.hand_over(parcel.sender, parcel.recipients, parcel.content, may_leave)
        if not await may_leave():
            return Delivery(Fate.WITHDRAWN, "withdrawn")
        fault = await asyncio.to_thread(_file, self.folders.letters / parcel.evidence.name, parcel.content)
        return Delivery(Fate.NOT_NOW, fault) if fault else Delivery(Fate.ACCEPTED, "filed")

    async def hand_off(self, desk: Desk, case: CaseRef) -> Path | None:
        """Writes the handoff folder of a case, once; None where the case ended otherwise before it was."""
        async with desk.database.reading() as conn:
            file = await queries.case_file(conn, case)
        cases = file.account.case(case.number)
        manifest = Manifest(
            key=f"{case.creditor}:{case.number}:{cases.standing[-1].step}:{cases.cycle}",
            day=cases.standing[-1].day,
            creditor=file.account.creditor,
            debtor=file.account.debtor,
            invoice=cases.invoice,
            balance=file.account.balance(case.number),
            policy=cases.policy,
            journal=tuple(entry.model_dump(mode="json") for entry in file.entries),
        )
        written = (self.folders.handoffs / manifest.folder_name).is_dir()
        if cases.ending is not Ending.HANDED_OFF and not written:
            return None
        messages, files = _messages_of(file, self.folders.evidence)
        complete = manifest.model_copy(update={"messages": messages})
        return write_handoff(self.folders.handoffs, complete, files)


def _messages_of(file: CaseFile, evidence: Path) -> tuple[tuple[SentMessage, ...], dict[str, bytes]]:
    """Gathers the messages of a case as they left, with their bytes."""
    sent: list[SentMessage] = []
    files: dict[str, bytes] = {}
    for record in file.messages:
        if record.sha256 is None or record.evidence_path is None:
            continue
        path = evidence / record.evidence_path
        try:
            content = path.read_bytes()
        except OSError:
            msg = f"the evidence of message {record.id} is not at {path}: put it back"
            raise ConfigurationFault(msg) from None
        name = f"messages/{path.name}"
        files[name] = content
        sent.append(
            SentMessage(
                path=name,
                sha256=record.sha256,
                step=record.reminder.step,
                channel=record.reminder.channel,
                day=record.reminder.day,
                sent_at=record.sent_at,
            )
        )
    return tuple(sent), files


def _keep(path: Path, content: bytes, *, lasting: bool = False) -> None:
    """Writes a file whole or not at all; a lasting one is on the disk before it has its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        if lasting:
            os.fsync(file.fileno())
    draft.replace(path)


def _sync(path: Path) -> str:
    """Waits until the disk has a file and its name; tells the kind of fault, or nothing."""
    try:
        for part in (path, path.parent):
            handle = os.open(part, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as fault:
        return type(fault).__name__
    return ""


def _file(path: Path, content: bytes) -> str:
    """Puts a letter into the outbox folder; tells the kind of fault, or nothing."""
    try:
        _keep(path, content, lasting=True)
    except OSError as fault:
        return type(fault).__name__
    _sync(path)  # whatever it says: the letter lies there, and would be posted twice if it were filed again
    return ""


def _plain(text: str) -> str:
    return "".join(char if char.isalnum() or char in "+-." else "-" for char in text)
