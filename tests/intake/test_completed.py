"""An invoice that comes twice, once without its document: as XML from the network, as PDF from the sender."""

import pytest

from domain.faults import InputRefused
from intake.admission import Status
from tests.intake.conftest import Porter


async def test_a_document_that_comes_later_completes_the_invoice(porter: Porter) -> None:
    """The same version with its PDF and payment reference is taken; without them again, it is known."""
    await porter.bill()
    completed = await porter.bill(pdf="F-1.pdf", reference="RF97F20260023")
    assert (completed.status, completed.what) == (Status.TAKEN, "invoice F-1 completed")
    invoice = (await porter.account()).case("F-1").invoice
    assert (invoice.pdf, invoice.reference) == ("F-1.pdf", "RF97F20260023")
    assert (await porter.bill()).status is Status.KNOWN


async def test_a_document_that_says_less_contradicts_nothing(porter: Porter) -> None:
    """The same version without its due date and its order, as in the profile MINIMUM, is known."""
    await porter.bill(due="2026-05-31", order_reference="BC-1")
    assert (await porter.bill(due=None)).status is Status.KNOWN
    invoice = (await porter.account()).case("F-1").invoice
    assert (str(invoice.due_date), invoice.order_reference) == ("2026-05-31", "BC-1")


async def test_a_contradiction_completes_nothing(porter: Porter) -> None:
    """Another document under the same version is refused by what differs, and the first stays."""
    await porter.bill(pdf="F-1.pdf")
    with pytest.raises(InputRefused, match=r"known with other facts \(pdf F-1.pdf, now F-2.pdf\)"):
        await porter.bill(pdf="F-2.pdf")
    with pytest.raises(InputRefused, match=r"known with other facts \(total [0-9.]+, now 101.00\)"):
        await porter.bill(pdf="F-1.pdf", reference="X1", total="101.00")
    assert (await porter.account()).case("F-1").invoice.pdf == "F-1.pdf"
