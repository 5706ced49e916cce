"""A real IMAP server for tests: Dovecot on 127.0.0.1, with any account, its mail in a temporary folder.

In: its configuration, its certificate, starting and stopping it.
Not in: what is asked of it (test_imap.py).

It runs as nobody when the tests run as root, because Dovecot serves no mail to root.
"""

import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from config.sections import Imap, Tls

PACKAGE = "dovecot-imapd"
PASSWORD = "tests-only"
START_SECONDS = 20.0

CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
log_path = {folder}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {protected}
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
"""


def program() -> str | None:
    """Finds the server's program; None where it is not installed."""
    return shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Server:
    """Knows how the server is reached, and puts mails into an account, which is empty at first."""

    def __init__(self, folder: Path, plain: int, protected: int, user: str = "nobody") -> None:
        """Takes the folder with its certificate, its two ports, and the account's name."""
        self.folder = folder
        self.user = user
        self.certificate = folder / "certificate.pem"
        self.plain = plain
        self.protected = protected

    def fresh(self) -> "Server":
        """Gives an account that nobody has used."""
        return Server(self.folder, self.plain, self.protected, uuid4().hex)

    def settings(self, **more: Any) -> Imap:
        """Gives the settings that lead to the account, over an open connection unless they say otherwise."""
        facts = {"host": "127.0.0.1", "port": self.plain, "tls": Tls.NONE, "timeout_seconds": 5}
        return Imap.model_validate(facts | {"username": self.user, "password": PASSWORD} | more)

    @contextmanager
    def account(self) -> Iterator[imaplib.IMAP4]:
        """Logs in as a mail program does."""
        with imaplib.IMAP4("127.0.0.1", self.plain) as account:
            account.login(self.user, PASSWORD)
            yield account

    def deliver(self, *mails: bytes) -> None:
        """Puts mails into the inbox, as they come."""
        with self.account() as account:
            for mail in mails:
                assert account.append("INBOX", None, None, mail)[0] == "OK"

    def mails(self, folder: str = "INBOX") -> list[tuple[str, bytes]]:
        """Reads the flags and the bytes of every mail of a folder; none where there is no such folder."""
        with self.account() as account:
            if account.select(f'"{folder}"', readonly=True)[0] != "OK":
                return []
            _, found = account.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
            return [(one[0].decode(), one[1]) for one in found if isinstance(one, tuple)]


@contextmanager
def dovecot(binary: str) -> Iterator[Server]:
    """Runs the server in a temporary folder and leaves nothing behind."""
    root = os.geteuid() == 0
    account = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
    who: dict[str, Any] = {"user": "nobody", "group": account.pw_gid, "extra_groups": []} if root else {}
    with tempfile.TemporaryDirectory(prefix="relance-imap-") as name:
        folder = Path(name)
        server = Server(folder, _free_port(), _free_port())
        _certify(folder)
        text = CONFIGURATION.format(
            folder=folder,
            user=account.pw_name,
            group=grp.getgrgid(account.pw_gid).gr_name,
            uid=account.pw_uid,
            gid=account.pw_gid,
            plain=server.plain,
            protected=server.protected,
            password=PASSWORD,
        )
        (folder / "dovecot.conf").write_text(text, "utf-8")
        if root:
            for path in (folder, *folder.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        command = [binary, "-F", "-c", str(folder / "dovecot.conf")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=folder, **who)  # noqa: S603 - our own
        try:
            _await_answer(process, server.plain, folder / "log")
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def _certify(folder: Path) -> None:
    """Makes a certificate for 127.0.0.1 that only its own file vouches for."""
    files: list[str | Path] = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command: list[str | Path] = ["openssl", "req", "-x509", *kind, *names, *files]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with imaplib.IMAP4("127.0.0.1", port, timeout=2):
                return
        except (OSError, imaplib.IMAP4.error):
            time.sleep(0.05)
    msg = f"dovecot does not answer:\n{log.read_text() if log.exists() else 'no log'}"
    raise RuntimeError(msg)
