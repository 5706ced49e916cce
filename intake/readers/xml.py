"""XML that strangers wrote, parsed without entities, network, or unbounded size and depth.

In: bytes to an element tree, and finding elements by their local names.
Not in: what the elements mean (einvoice/, bank/, lifecycle readers).
"""

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lxml import etree

from domain.faults import InputRefused
from intake.readers.rows import shown

LARGEST = 20 * 1024 * 1024
"""The largest XML that is read where the caller sets no other bound, in bytes."""

DEEPEST = 64
"""How deep elements may be nested; no message of the formats that are read comes near."""

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    b"<\0?\0": "utf-16-le",
    b"\0<\0?": "utf-16-be",
}
"""The encodings that the first bytes give away; they win over what is declared."""

ENCODINGS = {"utf-8", "utf-16", "ascii", "iso8859-1", "iso8859-15", "cp1252"}
"""The encodings that may be declared, by Python's names for them."""

DECLARED = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
PROLOG = re.compile(rb"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
"""What may stand before a document type or the first element."""

HEAD = 65536
ROOT = re.compile(
    rb"(?:<!DOCTYPE[^\[>]*+(?:\[.*?\]\s*)?>\s*)?<(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)([^>]*)", re.DOTALL
)
"""The first element with its attributes, after a document type if there is one."""

TOO_DEEP = etree.XPath("/".join(["", *("*" * (DEEPEST + 1))]))


def parse(data: bytes, what: str, *, largest: int = LARGEST) -> etree._Element:
    """Parses XML and gives its root; comments and processing instructions are left out.

    `what` names the XML in a refusal ("invoice", "statement"); `largest` is in bytes. Raises InputRefused,
    with the line where one is to blame, for what is too large or too deep, declares a document type, is
    written in a strange encoding, or is not well-formed.
    """
    if len(data) > largest:
        size = f"{len(data) / 1e6:.1f} MB"
        raise InputRefused(what, size, f"is larger than the {largest / 1e6:.0f} MB that are read; split it")
    text = _utf8(data, what)
    _refuse_document_type(text, what)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as fault:
        remedy = "is not well-formed XML; get the file again from where it came"
        if getattr(fault, "code", None) == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            remedy = f"is nested more than {DEEPEST} deep or has a text that is too long; send it without"
        raise InputRefused(what, shown(fault.msg), remedy, line=fault.lineno or None) from fault
    deep: Any = TOO_DEEP(root)
    if deep:
        remedy = f"is nested more than {DEEPEST} deep; send it without what is nested in it"
        raise InputRefused(what, shown(local(deep[0])), remedy, line=line(deep[0]))
    return root


def looks_like_xml(data: bytes) -> bool:
    """Tells whether the first bytes are those of XML, whatever it is about."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data[2:4].strip(b"\0") == b"<"
    return data[:1024].removeprefix(codecs.BOM_UTF8).lstrip().startswith((b"<", b"\0<"))


def root_name(data: bytes) -> tuple[str, str] | None:
    """Gives namespace and local name of the first element, also of XML that is broken further on."""
    if not looks_like_xml(data):
        return None
    head = data[:HEAD].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    prolog = PROLOG.match(head)
    found = ROOT.match(head, prolog.end() if prolog else 0)
    if found is None:
        return None
    prefix, name, attributes = found.groups()
    declared = rb"\sxmlns:" + re.escape(prefix) if prefix else rb"\sxmlns"
    stated = re.search(declared + rb"\s*=\s*[\"']([^\"']*)", attributes)
    return (stated[1] if stated else b"").decode("ascii", "replace"), name.decode("ascii", "replace")


def local(element: etree._Element) -> str:
    """Gives the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def namespace(element: etree._Element) -> str:
    """Gives the namespace of an element; empty where it has none."""
    return str(element.tag).removeprefix("{").rpartition("}")[0]


def line(element: etree._Element) -> int | None:
    """Gives the line on which an element begins."""
    found: Any = element  # the type stubs leave sourceline unsaid
    return found.sourceline or None


def child(parent: etree._Element, path: str) -> etree._Element | None:
    """Finds the first element on a path of local names, such as "Refs/EndToEndId", in any namespace."""
    return parent.find(_any_namespace(path))


def children(parent: etree._Element, path: str) -> Iterator[etree._Element]:
    """Yields all elements on a path of local names, in any namespace, in their order."""
    return parent.iterfind(_any_namespace(path))


def text(parent: etree._Element, path: str) -> str | None:
    """Gives the trimmed text of the first element on a path that has one; None where there is none."""
    return next(texts(parent, path), None)


def texts(parent: etree._Element, path: str) -> Iterator[str]:
    """Yields the trimmed texts of the elements on a path that have one, in their order."""
    return (found for each in children(parent, path) if (found := (each.text or "").strip()))


@lru_cache(maxsize=1024)
def _any_namespace(path: str) -> str:
    return "/".join(f"{{*}}{name}" for name in path.split("/"))


def _utf8(data: bytes, what: str) -> bytes:
    """Writes XML of any encoding that may be declared in UTF-8."""
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    if encoding is None:
        found = DECLARED.match(data[:400])
        named = found[1].decode("ascii") if found else "utf-8"
        try:
            encoding = codecs.lookup(named).name
        except LookupError:
            encoding = ""
        if encoding not in ENCODINGS:
            raise InputRefused(what, named, "is an encoding that is not read; save it as UTF-8", line=1)
    if encoding == "utf-8":
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        decoded = data.decode(encoding)
    except UnicodeDecodeError as fault:
        remedy = f"is not written in the encoding that it declares ({encoding}); save it as UTF-8"
        place = data.count(b"\n", 0, fault.start) + 1
        raise InputRefused(what, shown(data[fault.start : fault.end]), remedy, line=place) from fault
    return decoded.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").encode("utf-8", "replace")


def _refuse_document_type(text: bytes, what: str) -> None:
    """Refuses a document type before the parser sees it: it is where entities are declared."""
    found = PROLOG.match(text)
    place = found.end() if found else 0
    if text.startswith(b"<!DOCTYPE", place):
        remedy = "has a document type, which may hide anything; send the file without <!DOCTYPE ...>"
        raise InputRefused(what, "<!DOCTYPE", remedy, line=text.count(b"\n", 0, place) + 1)
