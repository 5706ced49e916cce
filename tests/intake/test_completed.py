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


async def test_a_contradiction_completes_nothing(porter: Porter) -> None:
    """Another document under the same version is refused, and the first one stays."""
    await porter.bill(pdf="F-1.pdf")
    with pytest.raises(InputRefused, match="known with other facts"):
        await porter.bill(pdf="F-2.pdf")
    with pytest.raises(InputRefused, match="known with other facts"):
        await porter.bill(pdf="F-1.pdf", reference="X1", total="101.00")
    assert (await porter.account()).case("F-1").invoice.pdf == "F-1.pdf"
