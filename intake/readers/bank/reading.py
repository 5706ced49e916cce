"""Any file that a bank gives: which format it is, and its statements.

In: telling the formats apart, the size that is read, and the code pages of text.
Not in: the formats themselves (the modules beside this one).
"""

import codecs

from domain.faults import InputRefused
from intake.readers.bank import camt, cfonb, mt940, ofx, sheet
from intake.readers.bank.values import Read, bounded
from intake.readers.text import LARGEST_FILE
from intake.readers.xml import looks_like_xml

HEAD = 65_536
"""How many bytes tell what a file is."""

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def recognise(data: bytes, name: str) -> str | None:
    """Tells which bank file this is: camt.052 to .054, CFONB120, CFONB240, MT940, MT942, OFX, CSV.

    None if it is none of these. Never raises.
    """
    head = data[:HEAD]
    if name.lower().endswith((".json", ".ndjson", ".jsonl")):
        return None
    if looks_like_xml(head) and (message := camt.recognise(head)) is not None:
        return message
    text = _text(head)
    if text is None:
        return None
    told = cfonb.recognise(text) or mt940.recognise(text) or ofx.recognise(text)
    return told or (None if looks_like_xml(head) else sheet.recognise(text))


def read(data: bytes, name: str, *, account: str | None = None, currency: str | None = None) -> list[Read]:
    """Reads the statements of a bank file, and says why one of them, or one entry, cannot be taken.

    `account` and `currency` are for files that name none: a CSV needs the account. Never raises for what is
    in a file.
    """
    if len(data) > LARGEST_FILE:
        remedy = (
            f"has {len(data) / 1e6:.0f} MB, more than {LARGEST_FILE / 1e6:.0f}; ask the bank for less days"
        )
        return [InputRefused("file", name, remedy)]
    told = recognise(data, name)
    if told is None:
        remedy = "is none of the bank files that are read: camt.052 to 054, CFONB 120, MT940, OFX, CSV"
        return [InputRefused("file", name, remedy)]
    if told == "CFONB240":
        return [cfonb.refused_240(name)]
    if told == "MT942":
        return [mt940.refused_942(name)]
    if told.startswith("camt"):
        found = camt.read(data)
    else:
        text = _text(data) or ""
        found = {
            "CFONB120": lambda: cfonb.read(text, currency),
            "MT940": lambda: mt940.read(text),
            "OFX": lambda: ofx.read(text, currency),
            "CSV": lambda: sheet.read(text, name, account, currency),
        }[told]()
    return bounded(found, name) or [
        InputRefused("file", name, "holds no statement; get it from the bank again")
    ]


def _text(data: bytes) -> str | None:
    """Reads text of any code page that banks use, its line ends made uniform; None for what is no text."""
    if data.startswith(UTF_16):
        text = data[: len(data) // 2 * 2].decode("utf-16", "replace")
    else:
        data = data.removeprefix(codecs.BOM_UTF8)
        if b"\0" in data:
            return None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as fault:
            # The head of a file may end in the middle of a letter.
            cut_off = len(data) == HEAD and fault.start > HEAD - 4
            text = data[: fault.start].decode("utf-8") if cut_off else data.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
