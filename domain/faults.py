"""The faults of Relance, one tree.

RelanceError
├── InputRefused          what came in cannot be taken: names the field, the value and the remedy
├── NotFound              no such creditor, debtor, invoice, message or policy
├── NotAllowed            a command that the facts forbid
├── ConfigurationFault    settings, a policy or a wording that cannot be used
├── Unavailable           Temporal, the database or the mail server cannot be reached; try again
├── RecordBroken          the journal does not add up
└── AuditFailed           an audit found what should not be

Business outcomes are not faults: they are values (actions.py).
"""


class RelanceError(Exception):
    """Stands at the root of every fault that Relance raises on purpose."""

    exit_code = 1


class InputRefused(RelanceError):
    """Says which field of an input cannot be taken, its value, and the remedy."""

    exit_code = 3

    def __init__(self, field: str, value: object, remedy: str, *, line: int | None = None) -> None:
        """Names the field (dotted path), the offending value, what to do, and the line where known."""
        self.field = field
        self.value = value
        self.remedy = remedy
        self.line = line
        place = f"line {line}: " if line is not None else ""
        super().__init__(f"{place}{field} = {value!r}: {remedy}")


class NotFound(RelanceError):
    """Says that something named does not exist."""

    exit_code = 4


class NotAllowed(RelanceError):
    """Says that a command contradicts the facts, and why."""

    exit_code = 5


class ConfigurationFault(RelanceError):
    """Says that settings, a policy or a wording cannot be used, and where."""

    exit_code = 6


class Unavailable(RelanceError):
    """Says that a server cannot be reached or is busy; the same call may succeed later."""

    exit_code = 7


class RecordBroken(RelanceError):
    """Says at which entry the journal stops adding up."""

    exit_code = 8


class AuditFailed(RelanceError):
    """Says that an audit found what should not be."""

    exit_code = 9
