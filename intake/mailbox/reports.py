"""What mail servers report of a message: which addresses it did not reach, and why (RFC 3464, 3463).

In: delivery status notifications, and the identity of the message that they are about.
Not in: mails that are no report (readers/mail.py), and what follows from a report (taking.py).
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.fact import Fact
from intake.mailbox import parts
from intake.mailbox.parts import Part

MOST_RECIPIENTS = 50
LONGEST_ADDRESS = 254

REPORTS = {"message/delivery-status", "message/global-delivery-status"}
RETURNED = {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"}
RETURNED |= {"message/global-headers"}

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?<![\d.])([245])\d\d(?![\d.])")
_OF_ADDRESS = re.compile(r"5\.(?:0\.0|1\.(?![78]$)\d+|2\.1|4\.(?:1|4|310))")
"""Permanent refusals that speak of the recipient's address: 5.1.7 and 5.1.8 speak of the sender's.

5.4.1 and 5.4.310 are how Microsoft's servers say that there is no such recipient and no such domain.
"""


class Recipient(Fact):
    """States what a report says of one recipient, who may be named twice: as written to, and as forwarded.

    `action` is RFC 3464's, `status` RFC 3463's, "" where none is given.
    """

    addresses: tuple[str, ...]
    action: str
    status: str

    @property
    def is_soft(self) -> bool:
        """Tells whether nothing speaks against the next message: it was reached, or refused for a time."""
        return self.action != "failed" or self.status.startswith("4.")

    @property
    def blames_address(self) -> bool:
        """Tells whether it was refused for good because of the address, not the message or its sender."""
        return self.action == "failed" and _OF_ADDRESS.fullmatch(self.status) is not None


class Original(NamedTuple):
    """Names the message that a report is about: its Message-ID, and the key that Relance wrote into it."""

    message_id: str
    key: str


def is_report(mail: Part) -> bool:
    """Tells whether a mail reports on a delivery."""
    return report_type(mail) == "delivery-status" or any(part.kind in REPORTS for part in mail.walk())


def report_type(mail: Part) -> str:
    """Tells on what a mail says it reports, such as disposition-notification; "" where it is no report."""
    return mail.parameter("report-type").lower() if mail.kind == "multipart/report" else ""


def recipients(mail: Part) -> tuple[Recipient, ...]:
    """Lists what a report says of each recipient."""
    found = (_recipient(group) for part in mail.walk() if part.kind in REPORTS for group in _groups(part))
    return tuple(one for one in found if one is not None)[:MOST_RECIPIENTS]


def _groups(report: Part) -> Iterator[Part]:
    """Yields the groups of fields, at most one for the message and one for each recipient."""
    text = re.sub(rb"\n[ \t]*\n\s*", b"\n\n", report.content(parts.LONGEST_HEAD).replace(b"\r\n", b"\n"))
    for group in text.strip().split(b"\n\n", MOST_RECIPIENTS + 1)[: MOST_RECIPIENTS + 1]:
        yield parts.read_head(group)


def _recipient(group: Part) -> Recipient | None:
    stated = (group.field("original-recipient"), group.field("final-recipient"))
    action = group.field("action").partition("(")[0].strip().lower()[:20]
    if not action and not any(stated):
        return None
    return Recipient(
        addresses=tuple(dict.fromkeys(filter(None, map(_address, stated)))),
        action=action,
        status=_status(group.field("status"), group.field("diagnostic-code")),
    )


def _address(stated: str) -> str:
    """Reads an address after its type: `rfc822; someone@example.com`."""
    address = stated.rpartition(";")[2].strip().strip("<>").strip()
    return address if "@" in address and len(address) <= LONGEST_ADDRESS else ""


def _status(stated: str, diagnostic: str) -> str:
    """Reads the status; what the receiving server said is more telling than a status of no detail."""
    given = _STATUS.search(stated)
    if given is not None and given.group(2, 3) != ("0", "0"):
        return _written(given)
    said = _STATUS.search(diagnostic)
    if said is not None and (given is None or said[1] == given[1]):
        return _written(said)
    if given is not None:
        return _written(given)
    code = _REPLY.search(diagnostic)
    return f"{code[1]}.0.0" if code else ""


def _written(status: re.Match[str]) -> str:
    return ".".join(str(int(number)) for number in status.groups())


def originals(mail: Part) -> Iterable[Original]:
    """Yields the names of the messages that a report returns, or whose header fields it does."""
    for part in mail.walk():
        if part.kind in RETURNED:
            head = parts.read_head(part.content(parts.LONGEST_HEAD))
            yield Original(head.field("message-id"), head.field("x-relance-key"))
