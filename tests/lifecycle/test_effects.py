"""What each status of an invoice sets going, before its due date too, and that it does so once."""

from decimal import Decimal
from typing import Any

import pytest

from domain.actions import Ending, Rule
from domain.agreements import DisputeReason
from domain.faults import InputRefused
from intake.admission import Status
from tests.domain import build
from tests.lifecycle.conftest import Network

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])

day = build.day


@pytest.mark.parametrize("code", ["200", "201", "202", "204", "205", "214", "224", "300", "501"])
async def test_a_status_is_kept_once(network: Network, code: str) -> None:
    """A status is written down with all it says; the same message again changes nothing."""
    first = await network.report(code, text="Bonne réception", reasons=("AUTRE",))
    assert (first.status, first.numbers) == (Status.TAKEN, ("F-1",))
    account = await network.porter.account()
    assert (await network.report(code, text="Bonne réception", reasons=("AUTRE",))).status is Status.KNOWN
    assert await network.porter.account() == account
    (entry,) = await network.entries()
    assert entry["stated"]["code"] == code
    assert entry["stated"]["text"] == "Bonne réception"
    assert entry["invoices"] == ["F-1"]


async def test_the_same_message_with_other_facts(network: Network) -> None:
    """A message that is known with another amount is refused, and names the message."""
    await network.report("212", reporter="SE", amount="40.00")
    with pytest.raises(InputRefused, match="message = 'M-212': is known with other facts"):
        await network.report("212", reporter="SE", amount="41.00")


async def test_one_message_id_may_return(network: Network) -> None:
    """Platforms form ids of the invoice and the status: two sums cashed at two instants are two."""
    await network.report("212", reporter="SE", amount="40.00")
    await network.report("212", "2026-03-02 11:00", reporter="SE", amount="30.00")
    assert (await network.porter.account()).balance("F-1").open == Decimal("30.00")


async def test_203_is_the_day_of_delivery(network: Network) -> None:
    """Made available: the invoice knows when it arrived, and nothing else about it changes."""
    before = await network.case()
    await network.report("203", reporter="WK")
    after = await network.case()
    assert after.invoice == before.invoice.model_copy(update={"delivered_on": day("2026-03-02")})
    await network.report("203", "2026-03-02 11:00", reporter="WK", message="again")
    assert len(await network.entries("invoice.revised")) == 1


async def test_207_is_a_dispute(network: Network) -> None:
    """In dispute: nothing is asked for during 30 days, before the due date too, and a person is asked."""
    said = await network.report("207", reasons=("TX_TVA_ERR",), actions=("NIN",), text="Taux de TVA erroné")
    assert "disputed (tax) until 2026-04-01" in said.what
    (dispute,) = await network.disputes()
    assert (dispute.reason, dispute.amount) == (DisputeReason.TAX, None)
    assert (dispute.made_on, dispute.until) == (day("2026-03-02"), day("2026-04-01"))
    assert dispute.note == "TX_TVA_ERR: Taux de TVA erroné"
    following = await network.porter.next()
    # Both words before the due date fall into the dispute, and lapse.
    assert (following.step, following.day) == ("D+2", day("2026-04-02"))
    assert await network.kinds() == ["dispute"]


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        (("PU_ERR",), "price"),
        (("MONTANTTOTAL_ERR",), "price"),
        (("QTE_ERR",), "quantity"),
        (("QUALITE_ERR",), "quality"),
        (("LIVR_INCOMP",), "delivery"),
        (("DOUBLE_FACT",), "duplicate"),
        (("CMD_ERR",), "order"),
        (("SIRET_ERR",), "details"),
        (("DEST_ERR",), "not_ours"),
        (("AUTRE",), "other"),
        (("AUTRE", "QTE_ERR"), "quantity"),
        (("NEW_CODE",), "other"),
    ],
)
async def test_what_is_contested(network: Network, codes: tuple[str, ...], reason: str) -> None:
    """The reason codes say what is contested; the first that says anything decides."""
    await network.report("207", reasons=codes)
    assert (await network.disputes())[0].reason == reason


async def test_206_disputes_what_was_not_approved(network: Network) -> None:
    """Approved in part: the rest can be asked for; without an amount the whole is disputed."""
    said = await network.report("206", reasons=("PU_ERR",), amount="30.00", currency="EUR")
    assert "30.00 disputed (price)" in said.what
    account = await network.porter.account()
    assert account.claimable("F-1", day("2026-03-03")) == Decimal("70.00")
    assert (await network.porter.next()).because.rule is not Rule.DISPUTED
    whole = await network.report("206", "2026-03-02 11:00", reasons=("PU_ERR",))
    assert "status 206 counts no more" in whole.what
    assert [one.amount for one in await network.disputes()] == [None]


async def test_206_disputes_what_is_left_of_the_approved(network: Network) -> None:
    """Where only what was approved is told, the rest of the invoice is disputed."""
    said = await network.report("206", reasons=("PU_ERR",), approved="80.00")
    assert "20.00 disputed (price)" in said.what


async def test_206_above_the_total_is_refused(network: Network) -> None:
    """No more than the invoice asks for can be contested; other currencies are refused too."""
    with pytest.raises(InputRefused, match=r"amount = '100\.01': is more than the invoice's total"):
        await network.report("206", reasons=("PU_ERR",), amount="100.01")
    with pytest.raises(InputRefused, match="currency = 'USD': invoice F-1 is in EUR"):
        await network.report("206", reasons=("PU_ERR",), amount="10.00", currency="USD")


async def test_205_ends_the_dispute(network: Network) -> None:
    """Approved: what the same network had contested is contested no more."""
    await network.report("207", reasons=("QTE_ERR",))
    await network.report("205", "2026-03-02 11:00")
    assert await network.disputes() == []
    assert await network.kinds() == []
    assert (await network.porter.next()).step == "D-10"


async def test_a_dispute_of_people_stays(network: Network) -> None:
    """A dispute that people opened is neither doubled nor ended by a status."""
    facts = {"kind": "dispute", "id": "D-1", "invoices": ["F-1"], "made_on": "2026-03-01"}
    agreement = facts | {"reason": "price", "until": "2026-04-15"}
    await network.porter.take("agreement.made", agreement=agreement)
    said = await network.report("207", reasons=("QTE_ERR",))
    assert said.what.endswith("noted: dispute D-1 is under way")
    await network.report("205", "2026-03-02 11:00")
    assert [one.id for one in await network.disputes()] == ["D-1"]


async def test_an_old_dispute_can_still_be_looked_at(network: Network) -> None:
    """A dispute that is reported late suspends for a week at least, however old the message is."""
    await network.report("207", "2026-01-05 10:00", reasons=("QTE_ERR",))
    (dispute,) = await network.disputes()
    assert (dispute.made_on, dispute.until) == (day("2026-01-05"), day("2026-03-09"))


async def test_a_very_old_dispute(network: Network) -> None:
    """Beyond the longest dispute it counts from today."""
    await network.report("207", "2025-03-05 10:00", reasons=("QTE_ERR",))
    (dispute,) = await network.disputes()
    assert (dispute.made_on, dispute.until) == (day("2026-03-02"), day("2026-03-09"))


async def test_208_waits_for_a_piece(network: Network) -> None:
    """Suspended: held for 60 days, a person sends the piece; completed (209) lets it go on."""
    said = await network.report("208", reasons=("JUSTIF_ABS",), text="Bon de livraison absent")
    assert "held until 2026-05-01" in said.what
    assert (await network.porter.next()).because.rule is Rule.HOLD
    (task,) = await network.tasks()
    assert (task.kind, task.invoice) == ("missing-piece", "F-1")
    assert task.detail == {"status": "208", "reasons": "JUSTIF_ABS", "text": "Bon de livraison absent"}
    await network.report("209", "2026-03-02 12:00", reporter="SE")
    assert (await network.holds(), await network.kinds()) == ([], [])
    assert (await network.porter.next()).step == "D-10"


@pytest.mark.parametrize(
    ("code", "reporter"), [("210", "BY"), ("213", "WK"), ("220", "SE"), ("221", "WK"), ("501", "WK")]
)
async def test_what_was_not_accepted_stops(network: Network, code: str, reporter: str) -> None:
    """Refused, rejected, cancelled, misrouted or inadmissible: nobody is reminded, a person mends it."""
    await network.report(code, reporter=reporter, reasons=("MONTANTTOTAL_ERR",))
    assert await network.blocked() == ("rejected", code)
    following = await network.porter.next()
    assert (following.kind, following.because.rule) == ("wait", Rule.REJECTED)
    assert await network.kinds() == ["rejected"]


async def test_211_waits_for_the_money(network: Network) -> None:
    """Payment sent: held until the day of the payment, the days of grace and two banking days."""
    said = await network.report("211", amount="100.00", effective_on="2026-03-05")
    # Thursday 5 March and three days of grace lead to Sunday; Monday and Tuesday are banking days.
    assert "held until 2026-03-10" in said.what
    (hold,) = await network.holds()
    assert (hold.starts_on, hold.until, hold.invoice) == (day("2026-03-02"), day("2026-03-10"), "F-1")
    assert (await network.porter.account()).balance("F-1").paid == Decimal(0)


async def test_211_without_a_day_counts_from_the_status(network: Network) -> None:
    """Without the day of the payment, the day of the status stands for it; a far day is bounded."""
    assert "held until 2026-03-09" in (await network.report("211")).what
    far = await network.report("211", "2026-03-02 11:00", effective_on="2029-01-01")
    assert "held until 2026-05-01" in far.what


async def test_211_of_long_ago_holds_nothing(network: Network) -> None:
    """Money that should have come long ago is no reason to wait."""
    said = await network.report("211", "2026-01-05 10:00")
    assert said.what.endswith("noted: its time passed on 2026-01-12")
    assert await network.holds() == []


async def test_212_is_money(network: Network) -> None:
    """Cashed: the payment is recorded with the message as its reference, and the case closes."""
    facts = {"reporter": "SE", "amount": "100.00", "currency": "EUR", "effective_on": "2026-03-01"}
    await network.report("212", **facts)
    assert await network.porter.ending() is Ending.PAID
    (payment,) = (await network.porter.account()).payments
    assert payment.reference.startswith("cdv:M-212:")
    assert (payment.received_on, payment.amount) == (day("2026-03-01"), Decimal("100.00"))
    assert (await network.report("212", **facts)).status is Status.KNOWN
    assert len((await network.porter.account()).payments) == 1


@pytest.mark.parametrize("reference", ["bank:E-1", "VIR-1"])
async def test_212_of_money_on_record(network: Network, reference: str) -> None:
    """Money that the bank or the books told of already is not counted twice."""
    await network.porter.pay("40.00", reference, invoice="F-1")
    said = await network.report("212", "2026-03-02 12:00", reporter="SE", amount="40.00")
    assert f"the money is on record (payment {reference})" in said.what
    again = await network.report("212", "2026-03-02 13:00", reporter="SE", amount="40.00", message="M-2")
    assert "payment of 40.00 EUR recorded" in again.what
    assert (await network.porter.account()).balance("F-1").open == Decimal("20.00")


async def test_212_finds_money_on_the_account(network: Network) -> None:
    """Money of which nobody knew what it was for is the money of the invoice that was cashed."""
    await network.porter.pay("100.00", "bank:E-1", debtor="dubois")
    assert (await network.porter.next()).because.rule is Rule.ALLOCATE
    said = await network.report("212", reporter="SE", amount="100.00")
    assert "(payment bank:E-1): allocated" in said.what
    assert await network.porter.ending() is Ending.PAID
    assert len((await network.porter.account()).payments) == 1


async def test_212_of_other_days_is_other_money(network: Network) -> None:
    """The same amount two weeks apart is another payment; so is money that came back."""
    await network.porter.pay("40.00", "bank:E-1", invoice="F-1", received_on="2026-02-10")
    await network.porter.pay("30.00", "bank:E-2", invoice="F-1")
    await network.porter.take("payment.reversed", reference="bank:E-2")
    await network.report("212", reporter="SE", amount="40.00")
    await network.report("212", "2026-03-02 11:00", reporter="SE", amount="20.00")
    assert (await network.porter.account()).balance("F-1").open == Decimal(0)


async def test_212_of_more_than_is_owed(network: Network) -> None:
    """More than is open is booked by nobody: a person decides, and the invoice waits a week."""
    await network.porter.pay("60.00", "VIR-1", invoice="F-1", received_on="2026-02-01")
    said = await network.report("212", reporter="SE", amount="100.00")
    assert "held until 2026-03-09" in said.what
    (task,) = await network.tasks()
    assert task.kind == "cashed-differs"
    assert task.detail == {"status": "212", "amount": "100.00", "open": "40.00"}
    assert len((await network.porter.account()).payments) == 1


async def test_212_of_a_paid_invoice(network: Network) -> None:
    """Nothing more is recorded on an invoice that is paid: no money appears from nowhere."""
    await network.porter.pay("100.00", "VIR-1", invoice="F-1", received_on="2026-02-01")
    said = await network.report("212", reporter="SE", amount="100.05")
    assert said.what.endswith("nothing is owed any more")
    assert len((await network.porter.account()).payments) == 1


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({}, "amount"),
        ({"amount": "10.00", "currency": "USD"}, "currency"),
        ({"amount": "10.00", "effective_on": "2026-03-04"}, "effective_on"),
    ],
)
async def test_212_that_cannot_be_meant(network: Network, facts: dict[str, Any], field: str) -> None:
    """Without an amount, in another currency or of tomorrow's morrow it is refused, with nothing written."""
    before = await network.porter.written()
    with pytest.raises(InputRefused) as refused:
        await network.report("212", reporter="SE", **facts)
    assert refused.value.field == field
    assert await network.porter.written() == before


async def test_225_leaves_it_to_the_factor(network: Network) -> None:
    """Factored: nobody is reminded and a person is told; factored no more (228), it goes on."""
    await network.report("225", reporter="DL")
    assert await network.blocked() == ("factored", "225")
    assert await network.kinds() == ["factored"]
    await network.report("228", "2026-03-02 12:00", reporter="DL")
    assert (await network.blocked(), await network.kinds()) == (None, [])


async def test_226_goes_on(network: Network) -> None:
    """Factored confidentially: reminders go on in the creditor's name, a person sees to the account."""
    await network.report("226", reporter="SE")
    assert (await network.blocked(), await network.kinds()) == (None, ["factored"])


async def test_227_is_verified_first(network: Network) -> None:
    """Another account to pay: held for 30 days until a person has verified it elsewhere."""
    said = await network.report("227", reporter="SE")
    assert "held until 2026-04-01" in said.what
    assert await network.kinds() == ["new-account"]


@pytest.mark.parametrize("code", ["212", "220", "225", "226", "228"])
@pytest.mark.parametrize("reporter", ["BY", "AB", "PR", "IV"])
async def test_what_only_the_creditor_can_say(network: Network, code: str, reporter: str) -> None:
    """A debtor who reports in the creditor's place is paid by no word: held a week, and a person is asked."""
    said = await network.report(code, reporter=reporter, amount="100.00")
    assert "held until 2026-03-09" in said.what
    assert await network.kinds() == ["status-claimed"]
    assert await network.blocked() is None
    assert (await network.porter.account()).payments == ()


@pytest.mark.parametrize("code", ["205", "206", "207", "208", "210", "211"])
async def test_what_only_the_debtor_can_say(network: Network, code: str) -> None:
    """The creditor's own side cannot dispute, suspend, refuse or pay: it is noted, and nothing follows."""
    said = await network.report(code, reporter="SE", reasons=("AUTRE",))
    assert said.what.endswith("noted, nothing follows from it")
    assert (await network.holds(), await network.disputes(), await network.kinds()) == ([], [], [])
    assert await network.blocked() is None


@pytest.mark.parametrize("code", ["206", "207", "208", "210", "211", "225", "227"])
async def test_a_paid_invoice_is_left_alone(network: Network, code: str) -> None:
    """Once nothing is owed a status is only noted."""
    await network.porter.pay(invoice="F-1")
    said = await network.report(code, reporter=None, reasons=("AUTRE",))
    assert said.what.endswith("nothing is owed any more")
    assert (await network.holds(), await network.kinds()) == ([], [])


async def test_an_unknown_invoice_waits(network: Network) -> None:
    """A status of an invoice that is not known yet waits for it, once."""
    first = await network.report("207", number="F-9", reasons=("QTE_ERR",))
    assert (first.status, first.what) == (
        Status.WAITING,
        "status 207 (in dispute) of invoice F-9 waits for the invoice",
    )
    assert (await network.report("207", number="F-9", reasons=("QTE_ERR",))).status is Status.KNOWN


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"issue_date": "2025-03-01"}, "issue_date"),
        ({"creditor": "nobody"}, "creditor"),
    ],
)
async def test_another_invoice_is_refused(network: Network, facts: dict[str, Any], field: str) -> None:
    """The number of another year's invoice, or of nobody's, is refused."""
    with pytest.raises(InputRefused) as refused:
        await network.report("207", reasons=("QTE_ERR",), **facts)
    assert refused.value.field == field


async def test_a_status_of_the_future_is_refused(network: Network) -> None:
    """An instant that lies days ahead is a mistake."""
    with pytest.raises(InputRefused, match="lies in the future"):
        await network.report("205", "2026-03-04 10:00")


async def test_all_maturities_are_meant(network: Network) -> None:
    """A status names the document: every due date of it is disputed, held, blocked or paid."""
    parts = [{"due_date": f"2026-0{month}-30", "amount": "50.00"} for month in (4, 5)]
    await network.porter.bill("G-1", due=None, maturities=parts)
    await network.report("206", number="G-1", reasons=("QTE_ERR",), amount="60.00")
    shares = {one.invoices[0]: one.amount for one in await network.disputes()}
    assert shares == {"G-1/1": Decimal("50.00"), "G-1/2": Decimal("10.00")}
    await network.report("208", number="G-1", at="2026-03-02 10:30", reasons=("JUSTIF_ABS",))
    assert sorted(hold.invoice or "" for hold in await network.holds()) == ["G-1/1", "G-1/2"]
    await network.report("213", number="G-1", at="2026-03-02 10:45", reporter="WK", reasons=("DOUBLON",))
    assert [await network.blocked(f"G-1/{turn}") for turn in (1, 2)] == [("rejected", "213")] * 2
    await network.report("212", number="G-1", at="2026-03-02 11:00", reporter="SE", amount="60.00")
    account = await network.porter.account()
    assert [account.balance(f"G-1/{turn}").open for turn in (1, 2)] == [Decimal(0), Decimal("40.00")]
    assert await network.blocked("G-1/2") is None


async def test_the_hold_ends_by_itself(network: Network) -> None:
    """On the day after the last day of a hold the reminders go on without anybody's doing."""
    await network.porter.bill("G-1", due="2026-03-04")
    assert (await network.porter.next("G-1")).step == "D-3"
    await network.report("211", number="G-1", effective_on="2026-03-05")
    following = await network.porter.next("G-1")
    assert (following.step, following.day) == ("D+2", day("2026-03-11"))
    assert following.because.rule is Rule.HOLD
