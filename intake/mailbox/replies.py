"""What a person wrote: the text of a reply without what it quotes.

In: the readable text of a mail, and the marks by which mail programs begin a quotation.
Not in: what the text means, which is for people to read.
"""

import re

from lxml import etree

from intake.mailbox.parts import LONGEST_TEXT, Part, clean

LONGEST_REPLY = 4000
"""How much of a reply is kept, in characters."""

_BLOCKS = {"p", "div", "tr", "li", "br", "table", "blockquote", "h1", "h2", "h3", "hr"}
_UNSEEN = {"head", "script", "style", "title"}

_ATTRIBUTION = re.compile(
    r"^[ \t]*(?:Le|On)\b(?=[^\n]{0,300}\d)(?:[^\n]{0,300}\n){0,2}?"
    r"[^\n]{0,300}?\b(?:a\s{1,5}écrit|wrote)\s{0,5}:[ \t]*$",
    re.MULTILINE,
)
_CUT = re.compile(
    r"^[ \t]*-{2,}\s?(?:Original|Message d.origine|Message transféré|Forwarded)"
    r"|^[ \t]*_{20,}[ \t]*$"
    r"|^[ \t]*\*?(?:De|From)\s?:[^\n]{0,300}\n+[ \t]*\*?(?:Envoyé|Date|Sent)\b",
    re.MULTILINE | re.IGNORECASE,
)
_QUOTED = re.compile(r"^[ \t]*>[^\n]*(?:\n|\Z)", re.MULTILINE)


def new_text(mail: Part) -> str:
    """Gives what a mail says anew, at most 4,000 characters; all of it where nothing else would be left."""
    text = _readable(mail)
    return (_tidy(_unquoted(text)) or _tidy(text))[:LONGEST_REPLY].rstrip()


def _readable(mail: Part) -> str:
    """Finds the text to be read: the first plain one that says something, else the first in HTML."""
    shown = [part for part in mail.walk() if not part.is_attached]
    plain = (part.text() for part in shown if part.kind == "text/plain")
    html = (_plain(part.text()) for part in shown if part.kind == "text/html")
    return next((text for texts in (plain, html) for text in texts if text.strip()), "")


def _unquoted(text: str) -> str:
    """Leaves quotations out: quoted lines, and all after a mark that the original follows unmarked."""
    cut = _CUT.search(text)
    text = text[: cut.start()] if cut else text
    attribution = _ATTRIBUTION.search(text)
    if attribution is not None:
        # Where the lines below are marked one by one, the answer may stand among them or after them.
        after = text[attribution.end() :].lstrip()
        text = text[: attribution.start()] + ("\n" + after if after.startswith(">") else "")
    return _QUOTED.sub("", text)


def _tidy(text: str) -> str:
    lines = (line.rstrip() for line in text.replace("\N{NO-BREAK SPACE}", " ").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _plain(html: str) -> str:
    """Reads what HTML shows as text; what the parser cannot make sense of says nothing."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(html.encode(), parser)
    except etree.XMLSyntaxError:
        return ""
    written: list[str] = []
    if root is not None:
        for event, element in etree.iterwalk(root, events=("start", "end")):
            _write(event, element, written)
    return clean("".join(written))[:LONGEST_TEXT]


def _write(event: str, element: etree._Element, written: list[str]) -> None:
    seen = element.tag not in _UNSEEN
    if element.tag in _BLOCKS:
        written.append("\n")
    if event == "start" and seen and element.text:
        written.append(_folded(element.text))
    if event == "end" and element.tail:
        written.append(_folded(element.tail))


def _folded(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text)
