"""The one typesetting machine of the process.

In: a Typst source and its data in, a PDF/A-3 out, the same bytes for the same input.
Not in: what a letter says (config/wording/) and when one is written (letter.py).
"""

from datetime import UTC, date, datetime
from functools import cache
from threading import Lock

import typst

from domain.faults import ConfigurationFault

_turn = Lock()
"""A compiler serves one caller at a time, and activities run on several threads."""


@cache
def _compiler() -> typst.Compiler:
    """Keeps one compiler, whose fonts and cache make every letter but the first fast.

    Only the fonts inside the wheel are used: those of a machine would change the bytes.
    """
    return typst.Compiler(ignore_system_fonts=True)


def typeset(source: str, data: str, day: date, *, name: str) -> bytes:
    """Sets a document dated `day` as PDF/A-3b.

    `data` is JSON; the source reads it from `sys.inputs.data`, so that nothing in it is ever taken for
    markup. Raises ConfigurationFault, naming `name`, for a source that does not compile.
    """
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        with _turn:
            pdf = _compiler().compile(
                source.encode(),
                format="pdf",
                sys_inputs={"data": data},
                pdf_standards=["a-3b"],
                timestamp=moment,
            )
    except typst.TypstError as fault:
        hint = f" ({'; '.join(fault.hints)})" if fault.hints else ""
        msg = f"{name}: the letter cannot be set: {fault.message}{hint}"
        raise ConfigurationFault(msg) from fault
    if not isinstance(pdf, bytes):
        msg = f"{name}: the letter came out in several files"
        raise ConfigurationFault(msg)
    return pdf
