"""What is said of a file that was taken in.

In: its kind, counts, refusals, and what was understood of a statement.
Not in: how it was taken in (loading.py, documents.py, statements.py).
"""

from domain.fact import Fact
from intake.statements import StatementReport
from intake.warnings import Warned


class RefusedRow(Fact):
    """Says why a row, or a whole file, was refused; `kept` is its id in quarantine.

    Of a `whole` file or statement the record keeps the name, the reason and a hash, never the content.
    """

    line: int
    field: str
    value: str | None
    remedy: str
    kept: int | None = None
    whole: bool = False


class LoadReport(Fact):
    """Counts what became of a file: of a statement the entries, of everything else the events.

    `kind` says what the file was, `notes` how it was read, `warnings` what a person should look at.
    """

    source: str
    kind: str = "events"
    taken: int = 0
    known: int = 0
    waiting: int = 0
    refused: tuple[RefusedRow, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    statements: tuple[StatementReport, ...] = ()
