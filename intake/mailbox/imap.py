"""A mailbox on an IMAP server (RFC 3501, RFC 6851 for moving).

In: the connection, the listing, fetching and putting away of mails by their UIDs.
Not in: when to look (watching.py), and what a mail says (readers/mail.py).

The library is blocking and parses mails in its own way: it runs in threads, and mails are fetched as bytes.
"""

import asyncio
import imaplib
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxUnencrypted
from imap_tools.errors import MailboxFetchError, MailboxLoginError
from imap_tools.utils import check_command_status

from config.sections import Imap, Tls
from domain.faults import Unavailable
from intake.mailbox.watching import Mailbox
from intake.readers.mail import LARGEST

_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")

T = TypeVar("T")


class ImapMailbox(Mailbox):
    """Reads one folder of an account; what is put away goes to the archive folder, or is marked as seen."""

    def __init__(self, settings: Imap) -> None:
        """Takes the server's address, the account and its folders; connects when it is first asked."""
        self._settings = settings
        self._opened: BaseMailBox | None = None
        self._has_archive = False

    async def arrived(self) -> list[str]:
        """Lists the UIDs of the folder's mails; without an archive folder, of those that nobody has seen."""
        criteria = "UNDELETED" if self._settings.archive else "UNSEEN UNDELETED"
        return await self._run(lambda box: box.uids(criteria, charset=None))

    async def fetch(self, mark: str) -> bytes | None:
        """Gives a mail without marking it as seen."""
        return await self._run(lambda box: _fetch(box, mark))

    async def archive(self, mark: str) -> None:
        """Moves a mail to the archive folder, which is made where it is missing, or marks it as seen."""
        await self._run(lambda box: self._archive(box, mark))

    async def close(self) -> None:
        """Leaves the server; one that does not answer any more is left all the same."""
        box, self._opened = self._opened, None
        if box is not None:
            await asyncio.to_thread(_leave, box)

    async def _run(self, work: Callable[[BaseMailBox], T]) -> T:
        """Runs blocking work in a thread.

        Whatever the library stumbles over is taken for a server that does not answer as it should: its
        words are not repeated, because they may name people.
        """
        (result,) = await asyncio.gather(asyncio.to_thread(lambda: work(self._box())), return_exceptions=True)
        if isinstance(result, MailboxLoginError):
            msg = "the mailbox refuses the login: check RELANCE_IMAP__USERNAME and RELANCE_IMAP__PASSWORD"
            raise Unavailable(msg) from result
        if isinstance(result, Exception):
            place = f"{self._settings.host}:{self._settings.port}"
            msg = f"the mailbox on {place} does not answer as it should ({type(result).__name__})"
            raise Unavailable(msg) from result
        if isinstance(result, BaseException):
            raise result
        return result

    def _box(self) -> BaseMailBox:
        """Gives the connection, made and logged in where there is none."""
        if self._opened is None:
            self._opened = _connected(self._settings)
        return self._opened

    def _archive(self, box: BaseMailBox, mark: str) -> None:
        folder = self._settings.archive
        if folder is None:
            box.flag(mark, "\\Seen", True)  # noqa: FBT003 - the library's own signature
            return
        if not self._has_archive:
            if not box.folder.exists(folder):
                box.folder.create(folder)
            self._has_archive = True
        box.move(mark, folder)


def _connected(settings: Imap) -> BaseMailBox:
    """Connects, checks the server's certificate where there is one, logs in and opens the folder."""
    host, port, patience = settings.host or "", settings.port, settings.timeout_seconds
    guard = ssl.create_default_context()
    box: BaseMailBox
    if settings.tls is Tls.IMPLICIT:
        box = MailBox(host, port, patience, ssl_context=guard)
    else:
        box = MailBoxUnencrypted(host, port, patience)
    name = settings.username or ""
    secret = settings.password.get_secret_value() if settings.password else ""
    try:
        if settings.tls is Tls.STARTTLS:
            box.client.starttls(guard)  # raises where the server offers none
        login = box.login if f"{name}{secret}".isascii() else box.login_utf8
        login(name, secret, initial_folder=None)
        # What a server can do, such as moving, it may say only once somebody is logged in.
        box.client.capabilities = tuple(box.client.capability()[1][-1].decode("ascii").upper().split())
        box.folder.set(settings.folder)
    except BaseException:
        _leave(box)
        raise
    return box


def _fetch(box: BaseMailBox, uid: str) -> bytes | None:
    """Fetches a mail, or its header fields alone where it is too large; None where it is gone."""
    sizes = [_SIZE.search(line) for line in _said(box, uid, "RFC822.SIZE") if isinstance(line, bytes)]
    size = next((int(found[1]) for found in sizes if found), None)
    if size is None:
        return None
    what = "BODY.PEEK[]" if size <= LARGEST else "BODY.PEEK[HEADER]"
    return next((answer[1] for answer in _said(box, uid, what) if isinstance(answer, tuple)), None)


def _said(box: BaseMailBox, uid: str, what: str) -> list[Any]:
    result = box.client.uid("FETCH", uid, f"({what})")
    check_command_status(result, MailboxFetchError)
    return list(result[1])


def _leave(box: BaseMailBox) -> None:
    """Logs out; what is left of a broken connection is dropped."""
    try:
        box.logout()
    except (imaplib.IMAP4.error, ImapToolsError, OSError):
        with suppress(OSError):
            box.client.shutdown()
