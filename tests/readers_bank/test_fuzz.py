"""Bank files that are cut, bent or made up: a right reading or a refusal, never anything else."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bank import BankStatement
from domain.faults import InputRefused
from intake.readers.bank import read, recognise
from intake.readers.text import LARGEST_FILE
from tests.readers_bank.samples import (
    BALANCED,
    IBAN,
    Movement,
    camt053,
    camt054,
    cfonb120,
    mt940,
    ofx,
    only,
    sheet,
)

thorough = settings(max_examples=60, deadline=None)

WRITERS: dict[str, Callable[..., str]] = {**BALANCED, "camt.054": camt054, "OFX": ofx, "CSV": sheet}

AMOUNTS = st.decimals(min_value=Decimal("-99999999.99"), max_value=Decimal("99999999.99"), places=2).filter(
    bool
)
WORDS = (
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789-.", min_size=1, max_size=27).map(str.strip).filter(bool)
)
MOVEMENTS = st.lists(
    st.builds(
        Movement,
        amount=AMOUNTS,
        on=st.dates(date(2026, 11, 1), date(2026, 11, 20)),
        text=WORDS,
        payer=WORDS,
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40, deadline=None)
@given(movements=MOVEMENTS)
def test_whatever_moved_is_read(name: str, movements: list[Movement]) -> None:
    """In every format the movements have the amounts, sides and days with which they were written."""
    found = only(WRITERS[name](movements), account=IBAN, currency="EUR")
    assert [(each.signed, each.booked_on) for each in found.entries] == [
        (each.amount, each.on) for each in movements
    ]


@st.composite
def bent(draw: st.DrawFn, data: bytes) -> bytes:
    """Draws a file that was cut, or in which bytes were changed, lost, doubled or put in."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, max(len(data) - 1, 0)))
        end = draw(st.integers(start, min(len(data), start + draw(st.sampled_from([1, 8, 400])))))
        match draw(st.sampled_from(["cut", "change", "lose", "double", "put"])):
            case "cut":
                data = data[:start]
            case "change":
                data = data[:start] + draw(st.binary(min_size=end - start, max_size=end - start)) + data[end:]
            case "lose":
                data = data[:start] + data[end:]
            case "double":
                data = data[:end] + data[start:end] + data[end:]
            case _:
                data = (
                    data[:start]
                    + draw(st.sampled_from([b"-", b"0", b"\0", b"\n", b"<", b'"', b"\xff"]))
                    + data[start:]
                )
    return data


@pytest.mark.parametrize("name", WRITERS)
@thorough
@given(source=st.data())
def test_bent_files_are_read_rightly_or_refused(name: str, source: st.DataObject) -> None:
    """A bent file gives statements that add up and refusals with a remedy, and nothing else happens."""
    data = source.draw(bent(WRITERS[name]().encode()))
    found = read(data, "file", account=IBAN, currency="EUR")
    assert found
    for each in found:
        if isinstance(each, InputRefused):
            assert each.remedy
        elif each.opening is not None and each.closing is not None:
            assert each.opening + sum(entry.signed for entry in each.entries) == each.closing


@pytest.mark.parametrize("name", BALANCED)
@thorough
@given(source=st.data())
def test_one_wrong_byte_never_makes_a_wrong_amount(name: str, source: st.DataObject) -> None:
    """Where both balances are told, one byte that is wrong changes no amount: the statement is refused."""
    data = bytearray(BALANCED[name]().encode())
    place = source.draw(st.integers(0, len(data) - 1))
    data[place] = source.draw(st.integers(0, 255))
    right = [each.signed for each in only(BALANCED[name]()).entries]
    for each in read(bytes(data), "file"):
        if isinstance(each, BankStatement):
            assert [entry.signed for entry in each.entries] == right


@thorough
@given(st.binary(max_size=400), st.sampled_from(["x", "x.csv", "x.xml", "x.json"]))
def test_any_bytes_are_refused(data: bytes, name: str) -> None:
    """Bytes that are no bank file are recognised as none, and refused where they are read all the same."""
    assert recognise(data, name) is None
    (refusal,) = read(data, name)
    assert isinstance(refusal, InputRefused)


@thorough
@given(st.sampled_from(sorted(WRITERS)), st.integers(0, 3000))
def test_the_beginning_of_a_file_says_what_it_is_or_nothing(name: str, length: int) -> None:
    """A file that is cut is recognised as what it is, or as nothing, and never as another format."""
    assert recognise(WRITERS[name]().encode()[:length], "file") in {name, None}


@pytest.mark.parametrize("name", WRITERS)
def test_each_format_is_recognised(name: str) -> None:
    """Each format is recognised by what is in the file, whatever its name, but for that of a JSON file."""
    data = WRITERS[name]().encode()
    assert recognise(data, "anything.bin") == recognise(data, "x.csv") == name
    assert recognise(data, "x.json") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7",
        b"PK\x03\x04" + b"x" * 100,
        b'{"type": "invoice.created"}',
        b"<Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'/>",
        b"<?xml version='1.0'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.03'/>",
        b"a;b;c\n1;2;3\n",
    ],
)
def test_other_files_are_not_bank_files(data: bytes) -> None:
    """Invoices, orders, archives and texts of other kinds are recognised as none."""
    assert recognise(data, "x") is None


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    """A file beyond the bound is refused by its size alone."""
    (refusal,) = read(bytes(LARGEST_FILE + 1), "x")
    assert isinstance(refusal, InputRefused)
    assert refusal.value == "x"


def test_a_message_without_statements_is_refused() -> None:
    """A message that holds no statement says so."""
    (refusal,) = read(b"<Document><BkToCstmrStmt/></Document>", "x")
    assert isinstance(refusal, InputRefused)
    assert refusal.remedy.startswith("holds no statement")


@pytest.mark.parametrize("write", [camt053, cfonb120, mt940])
@settings(max_examples=15, deadline=None)
@given(movements=st.lists(MOVEMENTS, min_size=1, max_size=4))
def test_a_chain_of_statements_is_read(write: Callable[..., str], movements: list[list[Movement]]) -> None:
    """Statements read one by one go on from each other, and their entries lead from first to last."""
    opening, balances = Decimal(100), [Decimal(100)]
    for moved in movements:
        found = only(write(moved, opening))
        assert found.opening == opening
        assert found.closing is not None
        assert found.booked_to - date(2026, 11, 20) == timedelta(0)
        opening = found.closing
        balances.append(opening)
    assert balances[-1] - balances[0] == sum(each.amount for moved in movements for each in moved)
