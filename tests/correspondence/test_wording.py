"""The wording folder: what is refused when it is loaded, and the name that its content gives it."""

import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue import load_policies
from correspondence.call import render_call
from correspondence.formats import enumeration, long_date, money, one_line, short_date
from correspondence.samples import samples
from correspondence.wording import Wording
from domain.faults import ConfigurationFault
from tests.correspondence.conftest import POLICIES


def edit(file: Path, old: str, new: str) -> None:
    """Replaces a text in a file, which must hold it."""
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_shipped_policies_have_all_their_words(wording: Wording) -> None:
    """Every step of every shipped policy has its message in every language."""
    policies = load_policies(POLICIES)
    assert set(policies) >= {"seed", "french-b2b"}
    for policy in policies.values():
        wording.check(policy)


def test_a_step_without_words_is_refused(wording: Wording) -> None:
    """A policy that names a message nobody wrote is refused with the file and the step."""
    policy = load_policies(POLICIES)["seed"]
    step = policy.steps[2].model_copy(update={"message": "polite"})
    spoilt = policy.model_copy(update={"steps": (*policy.steps[:2], step, *policy.steps[3:])})
    with pytest.raises(
        ConfigurationFault, match=r"fr/polite/subject\.txt is missing: step 'D\+2' of policy 'seed'"
    ):
        wording.check(spoilt)


def test_a_language_without_words_is_refused(wording: Wording) -> None:
    """A policy in a language that has no wording is refused with the file."""
    policy = load_policies(POLICIES)["seed"].model_copy(update={"languages": ("fr", "de")})
    with pytest.raises(ConfigurationFault, match=r"de/term-approaching/subject\.txt is missing"):
        wording.check(policy)


@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html", "letter.typ"])
def test_a_missing_translation_is_refused(copy: Path, part: str) -> None:
    """A part that one language lacks is refused when the folder is loaded, by its name."""
    (copy / "en" / "overdue" / part).unlink()
    with pytest.raises(ConfigurationFault, match=rf"en/overdue/{part} is missing"):
        Wording.load(copy)


@pytest.mark.parametrize(
    ("part", "old", "new", "told"),
    [
        (
            "subject.txt",
            "group.refs",
            "inovice.refs",
            r"fr/overdue/subject\.txt: the variable 'inovice' is unknown",
        ),
        (
            "body.txt",
            "{{ amount }}",
            "{{ amuont }}",
            r"fr/overdue/body\.txt: the variable 'amuont' is unknown; did you mean 'amount'",
        ),
        ("body.txt", "{{ amount }}", "{{ creditor.nom }}", r"fr/overdue/body\.txt, line \d+: .*'nom'"),
        ("body.html", "{{ amount }}", "{{ w.montant }}", r"fr/overdue/body\.html, line \d+: .*'montant'"),
        ("body.txt", "{% endif %}", "{% endfi %}", r"fr/overdue/body\.txt, line \d+: .*endfi"),
        ("letter.typ", "#letter(", "#leter(", r"fr/overdue/letter\.typ: .*unknown variable: leter"),
    ],
)
def test_an_unresolved_variable_is_refused(copy: Path, part: str, old: str, new: str, told: str) -> None:
    """A variable that does not exist, or a text that does not parse, is refused with its file and line."""
    edit(copy / "fr" / "overdue" / part, old, new)
    with pytest.raises(ConfigurationFault, match=told):
        Wording.load(copy)


def test_an_empty_part_is_refused(copy: Path) -> None:
    """A text that comes out empty is refused with its file."""
    (copy / "fr" / "overdue" / "subject.txt").write_text("{% if not amount %}x{% endif %}", "utf-8")
    with pytest.raises(ConfigurationFault, match=r"fr/overdue/subject\.txt comes out empty"):
        Wording.load(copy)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('asked = "Total à régler"\n', "", r"fr/words\.toml: asked is missing"),
        ("{known_on}", "{known_at}", r"fr/words\.toml: 'known_at' is missing"),
        ('to = "', "to = ", r"fr/words\.toml: "),
        ('subject = "Objet"', 'subject = ""', r"fr/words\.toml: subject = ''"),
    ],
)
def test_bad_shared_words_are_refused(copy: Path, old: str, new: str, told: str) -> None:
    """A label that one language lacks, or a placeholder that does not exist, is refused with its file."""
    edit(copy / "fr" / "words.toml", old, new)
    with pytest.raises(ConfigurationFault, match=told):
        Wording.load(copy)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A wording folder that does not exist is refused by its name."""
    with pytest.raises(ConfigurationFault, match="there is no such wording folder"):
        Wording.load(tmp_path / "nowhere")


def test_version_follows_the_content(copy: Path) -> None:
    """The version stays while the content stays, and changes with a single letter."""
    before = Wording.load(copy).version
    assert Wording.load(copy).version == before
    edit(copy / "fr" / "overdue" / "body.txt", "simple oubli", "oubli")
    assert Wording.load(copy).version != before


def test_a_loaded_wording_does_not_follow_the_disk(copy: Path) -> None:
    """What was proven is what is sent: an edit after loading changes nothing until the next load."""
    wording = Wording.load(copy)
    sample = samples("overdue", "fr")["one"]
    before = wording.letter_source(sample)
    edit(copy / "fr" / "overdue" / "letter.typ", "salutations", "hommages")
    assert wording.letter_source(sample) == before


@pytest.mark.parametrize("language", ["en", "fr"])
def test_call_script_gives_the_caller_everything(wording: Wording, language: str) -> None:
    """The script of a call holds the number to dial, the invoices, the sum and what to ask."""
    sheet = render_call(samples("call", language)["several"], wording)
    assert "+33 4 76 00 00 00" in sheet.script
    assert "F2026-0031" in sheet.script
    assert "Boulangerie du Pont SARL" in sheet.title
    assert sheet.phones == ("+33 4 76 00 00 00",)


def test_formats() -> None:
    """Money, dates and enumerations read as the language writes them."""
    assert (
        money(Decimal("1280.71"), "EUR", "fr").replace("\u202f", " ").replace("\u00a0", " ") == "1 280,71 €"
    )
    assert money(Decimal("1280.71"), "EUR", "en") == "€1,280.71"
    assert short_date(date(2026, 10, 1), "fr") == "01/10/2026"
    assert short_date(date(2026, 10, 12), "en") == "12 October 2026"
    assert long_date(date(2026, 10, 1), "fr") == "1er octobre 2026"
    assert long_date(date(2026, 10, 11), "fr") == "11 octobre 2026"
    assert enumeration(("A", "B", "C"), "fr") == "A, B et C"
    assert one_line(" a\r\nb\u2028c\u202ed\x00 ") == "a b cd"


def test_what_was_written_before_changes_no_amount() -> None:
    """Equal numbers of different digits are written each in their way, whichever came first."""
    for _ in range(2):
        assert money(Decimal("-0.00"), "EUR", "en") == "-\u20ac0.00"
        assert money(Decimal("0.00"), "EUR", "en") == "\u20ac0.00"
        assert money(Decimal(0), "EUR", "en") == "\u20ac0.00"


@given(st.text(max_size=60))
def test_one_line_holds_no_control_character(text: str) -> None:
    """Whatever a name holds, one line of words with one space between is left, and no letter is lost."""
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in line)
    assert line == " ".join(line.split())
    letters = [char for char in text if unicodedata.category(char)[0] in "LNPSM"]
    assert [char for char in line if unicodedata.category(char)[0] in "LNPSM"] == letters
