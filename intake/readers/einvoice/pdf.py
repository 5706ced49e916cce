"""The XML inside a PDF (Factur-X, ZUGFeRD), found among bounded attachments.

In: which attachment is the invoice, and the refusal of PDFs that are broken, encrypted or bombs.
Not in: what the XML says (reading.py).
"""

import io
import logging
import zlib
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError, PyPdfError
from pypdf.generic import NullObject, StreamObject

from domain.faults import InputRefused
from intake.readers import xml

LARGEST = 20 * 1024 * 1024
"""The largest PDF that is read, in bytes."""

MOST = 200
"""How many nodes of the tree of attachments are looked at."""

NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
"""How the invoice is called inside a PDF (Factur-X 1, ZUGFeRD 2), in any case of letters."""

# pypdf logs what it stumbles over, with what the file holds, which may be personal data.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

BROKEN = (
    PyPdfError,
    DependencyError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What pypdf raises on a PDF that is broken: its documentation says that it may be anything."""


def embedded_xml(data: bytes) -> tuple[str, bytes]:
    """Finds the invoice inside a PDF and gives its name and content; raises InputRefused where it cannot."""
    if len(data) > LARGEST:
        size = f"{len(data) / 1e6:.1f} MB"
        raise InputRefused(
            "file", size, f"is a PDF larger than the {LARGEST / 1e6:.0f} MB that are read; send a smaller one"
        )
    try:
        found = _invoices(data)
    except FileNotDecryptedError as fault:
        raise _encrypted() from fault
    except LimitReachedError as fault:
        remedy = "holds a stream that unpacks to more than is read; get the file again from where it came"
        raise InputRefused("file", "PDF", remedy) from fault
    except BROKEN as fault:
        remedy = "is a PDF that cannot be read; get the file again from where it came"
        raise InputRefused("file", "PDF", remedy) from fault
    if not found:
        names = ", ".join(NAMES)
        remedy = f"is a PDF without an invoice as XML inside ({names}); ask for Factur-X, or give JSON or CSV"
        raise InputRefused("file", "PDF", remedy)
    if len(set(found.values())) > 1:
        remedy = "are different invoices inside one PDF; send a PDF with one"
        raise InputRefused("file", ", ".join(sorted(found)), remedy)
    return next(iter(found.items()))


def _encrypted() -> InputRefused:
    return InputRefused("file", "PDF", "is encrypted; send it without a password, as Factur-X (PDF/A-3) is")


def _invoices(data: bytes) -> dict[str, bytes]:
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        raise _encrypted()
    found: dict[str, bytes] = {}
    for name, specification in _attachments(reader.root_object):
        if name.casefold() in NAMES:
            files = specification["/EF"]
            content = _content(name, files.get("/UF", files.get("/F")).get_object())
            if found.setdefault(name, content) != content:
                remedy = "is there twice, and differently; send a PDF with one invoice"
                raise InputRefused("file", name, remedy)
    return found


def _content(name: str, stream: StreamObject) -> bytes:
    """Unpacks an attachment, bounded and strictly: pypdf would mend what is broken, and change amounts."""
    packed = StreamObject.get_data(stream)
    filters = stream.get("/Filter", NullObject()).get_object()
    if filters in (NullObject(), []):
        return packed
    if filters not in ("/FlateDecode", ["/FlateDecode"]):
        remedy = "is packed in a way that is not read; have it packed with FlateDecode"
        raise InputRefused(name, str(filters), remedy)
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, xml.LARGEST + 1)
    if len(content) > xml.LARGEST:
        most = f"{xml.LARGEST / 1e6:.0f} MB"
        raise InputRefused(name, most, "unpacks to more than that; get the file again from where it came")
    if not unpacking.eof:
        raise InputRefused(name, "truncated", "cannot be unpacked; get the file again from where it came")
    return content


def _attachments(root: Any) -> Iterator[tuple[str, Any]]:
    """Yields the attachments with their names: those of the name tree, and those associated (PDF/A-3)."""
    waiting: list[Any] = []
    names = root.get("/Names")
    if names is not None and "/EmbeddedFiles" in names.get_object():
        waiting.append(names.get_object()["/EmbeddedFiles"])
    looked = 0
    specifications: list[Any] = list(root.get("/AF", ()))[:MOST]
    while waiting and looked < MOST:
        node = waiting.pop().get_object()
        looked += 1
        waiting += node.get("/Kids", [])
        specifications += node.get("/Names", [])[1::2]
    for each in specifications[:MOST]:
        specification = each.get_object()
        for key in ("/UF", "/F"):
            if key in specification:
                yield str(specification[key]), specification
                break
