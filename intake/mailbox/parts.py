"""The parts of a mail, out of bytes that anybody may have sent: bounded in number, depth and length.

In: header fields, the tree of parts, transfer encodings and character sets (RFC 5322, 2045 to 2047).
Not in: what a mail means (readers/mail.py), reports (reports.py), what of a text is new (replies.py).

The parser of the standard library is not used: neither its time nor its recursion is bounded by the mail.
"""

import binascii
import codecs
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

MOST_PARTS = 50
DEEPEST = 5
LONGEST_HEAD = 262_144
MOST_FIELDS = 500
LONGEST_FIELD = 10_000
LONGEST_TEXT = 400_000
"""How much of a text is looked at, in bytes as they came and in characters as they are read."""

_NAME = re.compile(r"[!-9;-~]{1,76}")
_KIND = re.compile(r"\s*([a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60})\s*(?:;|$)", re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([a-z0-9-]{1,40})\s*=\s*(?:"([^"]{0,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_WORD = re.compile(r"=\?([a-z0-9._:-]{1,40})(?:\*[a-z-]{1,20})?\?([bq])\?([^?\s]{0,2000})\?=", re.IGNORECASE)
_CHARSET = re.compile(
    r"(?:utf|us-ascii|ascii|iso|windows|cp|latin|koi8|gb|big5|euc|shift|mac|tis)[a-z0-9._-]{0,30}"
)
"""Character sets that mails use; other codecs of Python are slow or are none."""

_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), 127))
_BASE64 = frozenset((string.ascii_letters + string.digits + "+/").encode())
_NOT_BASE64 = bytes(code for code in range(256) if code not in _BASE64)


@dataclass(frozen=True)
class Part:
    """Holds a mail or a part of one: its header fields, its body as it came, and the parts inside.

    What is attached as a message has a body and no parts: what it says, others have said.
    """

    fields: tuple[tuple[str, str], ...]
    body: bytes
    parts: tuple["Part", ...] = ()

    def field(self, name: str) -> str:
        """Gives the first header field of that name as it stands; "" where there is none."""
        return next((value for key, value in self.fields if key == name), "")

    @property
    def kind(self) -> str:
        """Tells the media type, text/plain where none is stated."""
        found = _KIND.match(self.field("content-type"))
        return found[1].lower() if found else "text/plain"

    def parameter(self, name: str) -> str:
        """Gives a parameter of the media type; "" where there is none."""
        found = _PARAMETER.findall(self.field("content-type")[:2000])
        return next((quoted or plain for key, quoted, plain in found if key.lower() == name), "")

    @property
    def is_attached(self) -> bool:
        """Tells whether the part is a file for its own sake, not something to be read."""
        return self.field("content-disposition").lower().startswith("attachment")

    def content(self, longest: int | None = None) -> bytes:
        """Gives the body with its transfer encoding undone; only the beginning, if `longest` is given."""
        body = self.body[:longest]
        match self.field("content-transfer-encoding").lower():
            case "base64":
                return _base64(body)
            case "quoted-printable":
                return binascii.a2b_qp(body)
            case _:
                return body

    def text(self) -> str:
        """Gives the beginning of the body as text, with uniform line ends."""
        text = _decoded(self.content(LONGEST_TEXT), self.parameter("charset"))
        return clean(text.replace("\r\n", "\n").replace("\r", "\n"))

    def walk(self) -> Iterator["Part"]:
        """Yields the part and all that are inside it, in their order."""
        yield self
        for part in self.parts:
            yield from part.walk()


def read(data: bytes) -> Part:
    """Reads a mail out of any bytes; what makes no sense is left out."""
    return _part(data.replace(b"\r\n", b"\n"), 0, [MOST_PARTS])


def read_head(data: bytes) -> Part:
    """Reads the header fields alone, of a mail or of what is attached as one."""
    fields, _ = _head(data.replace(b"\r\n", b"\n"))
    return Part(fields, b"")


def _part(data: bytes, depth: int, left: list[int]) -> Part:
    fields, body = _head(data)
    part = Part(fields, body)
    boundary = part.parameter("boundary")
    if not part.kind.startswith("multipart/") or not boundary or depth == DEEPEST:
        return part
    parts = tuple(_part(one, depth + 1, left) for one in _split(body, boundary, left))
    return Part(fields, b"", parts) if parts else part


def _split(body: bytes, boundary: str, left: list[int]) -> Iterator[bytes]:
    """Yields what lies between the lines of a boundary, while parts are left to be had."""
    start: int | None = None
    line = re.compile(rb"^--%b(--)?[ \t]*$" % re.escape(boundary.encode("utf-8", "replace")), re.MULTILINE)
    for mark in line.finditer(body):
        if start is not None and left[0] > 0:
            left[0] -= 1
            yield body[start : mark.start() - 1]
        if mark[1] or left[0] == 0:
            return
        start = mark.end() + 1
    if start is not None and left[0] > 0:  # cut off before its end
        left[0] -= 1
        yield body[start:]


def _head(data: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Divides a part into its header fields, with their names in lower case, and its body."""
    if data.startswith(b"\n"):
        return (), data[1:]
    head, _, body = data.partition(b"\n\n")
    unfolded = re.sub(rb"\n(?=[ \t])", b"", head[:LONGEST_HEAD])
    fields: list[tuple[str, str]] = []
    for line in unfolded.split(b"\n", MOST_FIELDS)[:MOST_FIELDS]:
        name, colon, value = _decoded(line, "").partition(":")
        if colon and _NAME.fullmatch(name.rstrip()):
            fields.append((name.rstrip().lower(), clean(value[:LONGEST_FIELD].strip())))
    return tuple(fields), body


def decoded(value: str) -> str:
    """Reads the encoded words of a header field; a word that cannot be read stays as it is."""
    joined = re.sub(r"(\?=)\s{1,10}(?==\?)", r"\1", value)
    return clean(_WORD.sub(_word, joined))


def _word(found: re.Match[str]) -> str:
    charset, how, text = found[1], found[2].lower(), found[3].encode("utf-8", "replace")
    return _decoded(_base64(text) if how == "b" else binascii.a2b_qp(text, header=True), charset)


def _base64(text: bytes) -> bytes:
    """Decodes base64 as far as it makes sense."""
    digits = text.translate(None, _NOT_BASE64)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _decoded(content: bytes, charset: str) -> str:
    """Decodes by the stated character set, else as UTF-8, else as Windows-1252, which takes anything."""
    charset = charset.lower()
    if charset and _CHARSET.fullmatch(charset):
        try:
            codecs.lookup(charset)
            return content.decode(charset, "replace")
        except (LookupError, UnicodeError):  # not a character set after all
            charset = ""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content)  # it may be cut within a character
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def clean(text: str) -> str:
    """Leaves out what no record can hold or no screen should show: control characters, halves of pairs."""
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode()
