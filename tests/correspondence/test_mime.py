"""The bytes of MIME: what is written directly reads back as what the library would have written."""

import re
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correspondence import mime
from domain.faults import InputRefused

SIGNS = "aZ9 .,;:<>@()[]\"\\'=?_-\u00e9\u0153\u20ac\u682a"
NAMES = st.text(st.sampled_from(SIGNS), max_size=90).map(lambda text: " ".join(text.split()))
ADDRESSES = st.lists(
    st.builds(
        Address,
        display_name=NAMES,
        username=st.from_regex(r"[a-z0-9+_-]{1,20}(\.[a-z0-9+_-]{1,20}){0,2}", fullmatch=True),
        domain=st.sampled_from(("example.com", f"{'a' * 40}.{'b' * 40}.example", "xn--fe-nkb.example")),
    ),
    min_size=1,
    max_size=4,
)
TEXTS = st.text(st.sampled_from("a\u00e9\u20ac=. \t\nF-"), max_size=400)


def read(content: bytes) -> EmailMessage:
    """Reads an e-mail back, as any program would."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def folded(name: str, addresses: Sequence[Address]) -> str:
    """Writes a header as the library does, in one line."""
    message = EmailMessage(policy=policy.SMTP)
    message[name] = addresses
    return unfolded(message.policy.fold(name, message[name]))


def unfolded(header: str) -> str:
    """Takes the folds out of a header."""
    return re.sub(r"\r\n(?=[ \t])", "", header)


@given(addresses=ADDRESSES)
def test_people_are_named_as_the_library_names_them(addresses: list[Address]) -> None:
    """Quotes, accents, long and many names: the header is the library's, apart from where it is folded."""
    written = mime.mailboxes("Reply-To", addresses).decode("ascii")
    assert unfolded(written) == folded("Reply-To", addresses)
    assert max(map(len, written.split("\r\n"))) <= 998


@given(text=NAMES)
def test_subjects_read_back(text: str) -> None:
    """Whatever it says, a subject is ASCII in lines of at most 78 characters and reads back exactly."""
    written = mime.subject(text)
    assert written.isascii()
    assert max(map(len, written.split(b"\r\n"))) <= 78
    header = message_from_bytes(written + b"\r\n")["Subject"]
    assert str(make_header(decode_header(unfolded(header)))).strip() == text


@pytest.mark.parametrize(
    "value", ["a\r\nBcc: b", "a\nb", "a\rb", "a\0b", "a\x0bb", "a\u2028b", "\u00e9", "a\tb"]
)
def test_a_plain_header_cannot_carry_a_line_break(value: str) -> None:
    """A line break, a control character or an accent in a plain header is refused, and named."""
    with pytest.raises(InputRefused, match=r"Message-ID = .*one line of plain ASCII"):
        mime.header("Message-ID", value)


@pytest.mark.parametrize(
    "value", ["a\r\nBcc: b@example.com", "a\nBcc: b", "a\r\rBcc: b", "\r\n\r\nbody", "a\n"]
)
def test_no_value_can_start_a_line(value: str) -> None:
    """A line break in a subject or in the name of a person or a file is refused: it could open a header."""
    with pytest.raises(InputRefused, match=r"Subject = .*take the line break out"):
        mime.subject(value)
    with pytest.raises(InputRefused, match=r"Content-Disposition = .*take the line break out"):
        mime.disposition("attachment", value)
    with pytest.raises(ValueError, match="cannot contain CR or LF"):
        mime.mailboxes("From", (Address(value, "a", "example.com"),))


@given(text=TEXTS)
def test_texts_survive(text: str) -> None:
    """Trailing spaces, lonely dots, equals signs and accents arrive, in lines of at most 76 characters."""
    part = mime.text(text, "plain")
    body = part.partition(b"\r\n\r\n")[2]
    assert body.isascii()
    assert body.endswith(b"\r\n")
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not any(line.endswith((b" ", b"\t")) or line == b"." for line in lines)
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert read(part).get_content().splitlines() == (text.splitlines() or [""])


@given(content=st.binary(max_size=2000))
def test_files_survive(content: bytes) -> None:
    """Every byte of a file arrives, in lines of at most 76 characters."""
    part = mime.file(content, "application/octet-stream", mime.disposition("attachment", "a.bin"))
    assert max(map(len, part.split(b"\r\n"))) <= 76
    assert read(part).get_content() == content


@given(name=st.text(st.sampled_from(SIGNS + "/%*"), min_size=1, max_size=120).filter(str.strip))
def test_names_of_files_are_the_librarys(name: str) -> None:
    """A file's name is written as the library writes it, in whichever script."""
    part = MIMEPart(policy=policy.SMTP)
    part.add_header("Content-Disposition", "attachment", filename=name)
    assert read(mime.disposition("attachment", name) + b"\r\n").get_filename() == part.get_filename()


def test_parts_nest() -> None:
    """A part inside a part is found again without defects, whether its boundary is folded or not."""
    for key in ("b", "b" * 60):
        inner = mime.multipart(
            "alternative", f"={key}_1", (mime.text("a", "plain"), mime.text("<p>b", "html"))
        )
        outer = mime.multipart("mixed", f"={key}_0", (inner, mime.file(b"\0", "image/png", b"")))
        message = read(outer)
        assert [part.get_content_type() for part in message.walk()] == [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "image/png",
        ]
        assert not any(part.defects for part in message.walk())
        assert max(map(len, outer.split(b"\r\n"))) <= 78
