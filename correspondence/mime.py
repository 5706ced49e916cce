"""The bytes of an e-mail: header lines, bodies in their encodings, parts inside parts.

In: folding and encoding as RFC 5322, 2045 and 2047 want them, and the refusal of what would break a line.
Not in: which headers and parts an e-mail has (email.py).

The library that reads and writes any e-mail takes most of the time of a reminder. What it would do to
short and plain headers is written directly; whatever needs judgement is still left to it.
"""

import binascii
from collections.abc import Iterator, Sequence
from email.header import Header
from email.headerregistry import Address
from email.message import MIMEPart
from email.policy import EmailPolicy
from functools import lru_cache

from domain.faults import InputRefused

_POLICY = EmailPolicy(linesep="\r\n")
_END = b"\r\n"
_LINE_LENGTH = 78
_BASE64_LENGTH = 76
_WORD_LENGTH = 72
"""Short enough for the encoded words of RFC 2047, which may have 75 characters."""

_WORD = "=?"
"""How an encoded word begins: in a name it stands for itself, which only the library can arrange."""


def header(name: str, value: str) -> bytes:
    """Writes a header whose value is short and plain; raises InputRefused for a line break or an accent."""
    if not value.isascii() or not value.isprintable():
        remedy = "a header is one line of plain ASCII"
        raise InputRefused(field=name, value=value, remedy=remedy)
    return f"{name}: {value}\r\n".encode()


def subject(text: str) -> bytes:
    """Writes the subject, by the older, exact encoder: the newer one may lose a space between two words.

    Raises InputRefused for a line break.
    """
    _demand_line("Subject", text)
    if _fits("Subject", text):
        return header("Subject", text)
    written = Header(text, "us-ascii" if text.isascii() else "utf-8", header_name="Subject")
    encoded = written.encode(maxlinelen=_WORD_LENGTH, linesep="\r\n")
    return f"Subject: {encoded}\r\n".encode()


def mailboxes(name: str, addresses: Sequence[Address]) -> bytes:
    """Writes a header that names people; an Address refuses a line break by itself."""
    plain = ", ".join(map(str, addresses))
    if _fits(name, plain):
        return header(name, plain)
    return _folded(name, tuple((one.display_name, one.username, one.domain) for one in addresses))


def text(content: str, kind: str, *more: bytes) -> bytes:
    """Writes a text as a part, quoted-printable; `more` are headers."""
    lines = b"\n".join(content.encode().splitlines()) + b"\n"
    return b"".join(
        (
            header("Content-Type", f'text/{kind}; charset="utf-8"'),
            header("Content-Transfer-Encoding", "quoted-printable"),
            *more,
            _END,
            binascii.b2a_qp(lines).replace(b"\n", _END),
        )
    )


def file(content: bytes, kind: str, disposition: bytes, *more: bytes) -> bytes:
    """Writes a file as a part, base64; `kind` is such as `image/png`, `more` are headers."""
    return b"".join(
        (
            header("Content-Type", kind),
            header("Content-Transfer-Encoding", "base64"),
            disposition,
            *more,
            _END,
            *_lines(content),
        )
    )


@lru_cache(maxsize=256)
def disposition(kind: str, file_name: str) -> bytes:
    """Writes how a file is to be shown, and its name in whichever script.

    Raises InputRefused for a line break.
    """
    _demand_line("Content-Disposition", file_name)
    part = MIMEPart(policy=_POLICY)
    part["Content-Disposition"] = kind
    part.set_param("filename", file_name, header="Content-Disposition")
    return _fold("Content-Disposition", part["Content-Disposition"])


def multipart(kind: str, boundary: str, parts: Sequence[bytes], *more: bytes) -> bytes:
    """Puts parts into one; `kind` is such as `mixed`, `more` are headers."""
    head = f"Content-Type: multipart/{kind};"
    tail = f' boundary="{boundary}"'
    fold = "" if len(head + tail) < _LINE_LENGTH else "\r\n"
    mark = f"--{boundary}".encode()
    return b"".join(
        (
            f"{head}{fold}{tail}\r\n".encode(),
            *more,
            *(_END + mark + _END + part for part in parts),
            _END + mark + b"--" + _END,
        )
    )


def _demand_line(name: str, value: str) -> None:
    if len(f"{value}.".splitlines()) > 1:
        raise InputRefused(field=name, value=value, remedy="a header is one line: take the line break out")


def _fits(name: str, value: str) -> bool:
    return (
        value.isascii()
        and value.isprintable()
        and _WORD not in value
        and len(name) + 2 + len(value) <= _LINE_LENGTH
    )


def _lines(content: bytes) -> Iterator[bytes]:
    encoded = binascii.b2a_base64(content, newline=False)
    for start in range(0, len(encoded), _BASE64_LENGTH):
        yield encoded[start : start + _BASE64_LENGTH]
        yield _END


@lru_cache(maxsize=256)
def _folded(name: str, addresses: tuple[tuple[str, str, str], ...]) -> bytes:
    """Leaves a long or accented list to the library; a creditor's own name comes again with every message."""
    people = tuple(Address(*address) for address in addresses)
    return _fold(name, _POLICY.header_factory(name, people))


def _fold(name: str, value: str) -> bytes:
    folded: str = _POLICY.fold(name, value)
    return folded.encode()
