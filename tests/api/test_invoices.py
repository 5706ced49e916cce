"""Invoices by HTTP: lists, one in full, and the commands that state facts."""

from datetime import timedelta
from typing import Any

from ledger import journal
from ledger.access import Right
from tests.api.conftest import ON_ONE_DATABASE, Interface, event
from tests.api.test_events import problem


async def test_a_list_is_paged_without_a_gap(interface: Interface) -> None:
    """Pages follow one another by creditor and number, also where a case changes in between."""
    for number in ("F-1", "F-2", "F-3", "F-4", "F-5"):
        await interface.bill(number, debtor="martin" if number == "F-3" else "dubois")
    first = (await interface.get("/invoices", limit=2)).json()
    assert [one["number"] for one in first["invoices"]] == ["F-1", "F-2"]
    await interface.pay(invoice="F-1")
    second = (await interface.get("/invoices", limit=2, after=first["next"])).json()
    third = (await interface.get("/invoices", limit=2, after=second["next"])).json()
    assert [one["number"] for one in second["invoices"] + third["invoices"]] == ["F-3", "F-4", "F-5"]
    assert third["next"] is None


async def test_a_list_is_narrowed(interface: Interface) -> None:
    """Every filter that is given must hold; text is looked for in the number and the debtor's name."""
    for number in ("F-1", "F-2", "G-3"):
        await interface.bill(number, debtor="martin" if number == "F-2" else "dubois")
    await interface.pay(invoice="F-1")

    async def found(**params: Any) -> list[str]:
        return [one["number"] for one in (await interface.get("/invoices", **params)).json()["invoices"]]

    assert await found(status="open") == ["F-2", "G-3"]
    assert await found(status="closed", debtor="dubois") == ["F-1"]
    assert await found(text="g-") == ["G-3"]
    assert await found(overdue_on="2026-04-01") == ["F-2", "G-3"]
    assert await found(creditor="other") == []
    for bad in ({"after": "x"}, {"status": "lost"}, {"overdue_on": "soon"}, {"text": "a\0"}):
        problem(await interface.get("/invoices", **bad), 422, "refused")


async def test_an_invoice_says_everything(interface: Interface) -> None:
    """Facts, balance, calendar, the next step with its reason in words, agreements, as text money."""
    await interface.bill("F-1", total="100.00")
    await interface.pay("40.00", invoice="F-1")
    said = (await interface.get("/invoices/acme/F-1", lang="fr")).json()
    assert said["balance"]["open"] == "60.00"
    assert said["facts"]["total"] == "100.00"
    assert said["calendar"][0]["step"] == said["next"]["step"]
    assert said["next"]["rule"] == "rolled"
    assert "pas ouvré" in said["next"]["reason"]
    assert said["messages"] == []


async def test_a_slash_in_a_number_is_written_as_a_code(interface: Interface) -> None:
    """The maturities of an invoice have a slash in their numbers; href leads to them."""
    parts = [{"due_date": "2026-03-31", "amount": "40.00"}, {"due_date": "2026-04-30", "amount": "60.00"}]
    await interface.bill("F 1", due=None, maturities=parts)
    (first, _) = (await interface.get("/invoices")).json()["invoices"]
    assert first["href"] == "/v1/invoices/acme/F%201%2F1"
    said = (await interface.get(first["href"].removeprefix("/v1"))).json()
    assert (said["number"], said["total"]) == ("F 1/1", "40.00")
    paid = await interface.post(f"{first['href'].removeprefix('/v1')}/mark-paid", {})
    assert paid.json()["next"]["kind"] == "close"
    problem(await interface.get("/invoices/acme/F 1/1"), 404, "not-found")


@ON_ONE_DATABASE
async def test_what_is_not_the_callers_is_as_if_it_were_not(interface: Interface) -> None:
    """A key for another creditor lists nothing of Acme's, and finds nothing of it."""
    await interface.bill("F-1")
    other = await interface.key(creditors=["other"])
    listed = await interface.client.get("/invoices", headers=other)
    assert listed.json()["invoices"] == []
    answers = [
        await interface.client.get("/invoices/acme/F-1", headers=other),
        await interface.client.post("/invoices/acme/F-1/mark-paid", headers=other, json={}),
        await interface.client.get("/invoices/acme/F-9", headers=await interface.key()),
    ]
    for answer in answers:
        problem(answer, 404, "not-found")


COMMANDS: dict[str, tuple[dict[str, Any], str]] = {
    "mark-paid": ({"amount": "30.00", "reference": "V-1"}, "payment.received"),
    "credit": ({"number": "A-1", "total": "10.00"}, "credit_note.issued"),
    "dispute": ({"reason": "price", "until": "2026-03-20", "amount": "10.00"}, "agreement.made"),
    "promise": ({"pay_by": "2026-03-30"}, "agreement.made"),
    "plan": ({"instalments": [{"pay_by": "2026-03-30", "amount": "100.00"}]}, "agreement.made"),
    "settlement": ({"pay_by": "2026-03-30", "amount": "60.00"}, "agreement.made"),
    "write-off": ({"reason": "goodwill"}, "invoice.written_off"),
}


async def test_a_command_states_its_fact_once(interface: Interface) -> None:
    """A command is taken once; sent again it is known, and agreements name the key as their author."""
    for name, (body, kind) in COMMANDS.items():
        await interface.bill(name)
        for status in ("taken", "known"):
            answer = await interface.post(f"/invoices/acme/{name}/{name}", body)
            assert answer.json().get("status") == status, (name, answer.text)
        async with interface.database.reading() as conn:
            entries = await journal.entries(conn, "acme", "dubois")
        (found,) = (one for one in entries if one.kind == kind and one.concerns(name))
        assert found.facts.get("author") == ("api:erp" if kind == "agreement.made" else None)


@ON_ONE_DATABASE
async def test_a_dispute_is_answered(interface: Interface) -> None:
    """An agreement is ended by its id."""
    await interface.bill("F-1")
    body = {"id": "L-1", "reason": "price", "until": "2026-03-20"}
    await interface.post("/invoices/acme/F-1/dispute", body)
    ended = {"id": "L-1", "how": "rejected", "reason": "signed for"}
    said = (await interface.post("/invoices/acme/F-1/end-agreement", ended)).json()
    assert said["what"] == "dispute L-1 ended (rejected)"


@ON_ONE_DATABASE
async def test_a_wrong_command_points_at_every_field(interface: Interface) -> None:
    """All fields that are wrong are named at once; money as a number is refused, and nothing is written."""
    await interface.bill("F-1")
    before = await interface.written()
    answer = await interface.post("/invoices/acme/F-1/promise", {"pay_by": 20260330, "amount": 5, "x": 1})
    found = problem(answer, 422, "refused")
    assert {one["pointer"] for one in found["errors"]} == {"/pay_by", "/amount", "/x"}
    late = await interface.post("/invoices/acme/F-1/promise", {"pay_by": "2027-12-31"})
    assert problem(late, 422, "refused")["errors"][0]["pointer"] in {"", "/pay_by"}
    twice = b'{"amount": "1.00", "amount": "2.00"}'
    headers = await interface.usual() | {"Content-Type": "application/json"}
    path = "/invoices/acme/F-1/mark-paid"
    found = problem(await interface.post(path, content=twice, headers=headers), 422, "refused")
    assert found["errors"][0]["pointer"] == "/amount"
    for body in (b"{", b"[]", b"NaN"):
        refused = await interface.post(path, content=body, headers=headers)
        assert refused.status_code in {400, 422}
    assert await interface.written() == before


@ON_ONE_DATABASE
async def test_what_the_facts_forbid_is_a_conflict(interface: Interface) -> None:
    """An invoice that owes nothing is not paid again without an amount."""
    await interface.bill("F-1")
    await interface.pay(invoice="F-1")
    answer = await interface.post("/invoices/acme/F-1/mark-paid", {})
    assert "owes nothing" in problem(answer, 409, "not-allowed")["detail"]


@ON_ONE_DATABASE
async def test_commands_need_their_right(interface: Interface) -> None:
    """A key to read commands nothing, and only a key that may approve approves."""
    await interface.bill("F-1")
    before = await interface.written()
    for name, right in (("mark-paid", Right.READ), ("approve", Right.WRITE)):
        headers = await interface.key(right)
        answer = await interface.client.post(f"/invoices/acme/F-1/{name}", headers=headers, json={})
        problem(answer, 403, "forbidden")
    assert await interface.written() == before


@ON_ONE_DATABASE
async def test_an_order_says_that_temporal_is_away(interface: Interface) -> None:
    """Orders need the run: while Temporal is away they are refused with 503, and nothing is kept."""
    await interface.bill("F-1")
    answer = await interface.post("/invoices/acme/F-1/hold", {"until": "2026-03-20", "reason": "on site"})
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    far = (interface.now + timedelta(days=1000)).date().isoformat()
    answer = await interface.post("/invoices/acme/F-1/hold", {"until": far, "reason": "for ever"})
    assert problem(answer, 422, "refused")["errors"][0]["pointer"] == "/until"


@ON_ONE_DATABASE
async def test_an_event_and_a_command_are_one_payment(interface: Interface) -> None:
    """Money is known by its reference, by whichever way it is told."""
    await interface.bill("F-1")
    facts = {"reference": "V-1", "amount": "30.00", "invoice": "F-1", "received_on": "2026-03-02"}
    await interface.send(event("p", "relance.payment.received", **facts))
    body = {"reference": "V-1", "amount": "30.00", "received_on": "2026-03-02"}
    said = await interface.post("/invoices/acme/F-1/mark-paid", body)
    assert said.json()["status"] == "known"
