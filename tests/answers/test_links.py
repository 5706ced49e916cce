"""The signed link: it names one debtor until its last day, and nothing else can be made to."""

import io
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from pathlib import Path
from string import ascii_letters, digits

import pypdfium2  # type: ignore[import-untyped] # shipped without types
import pytest
import zxingcpp
from pypdf import PdfReader

from activities.links import links_of
from config.secrets import secret_keys
from config.sections import Console, Folders
from config.settings import Settings
from correspondence.email import render_email
from correspondence.letter import render_letter
from correspondence.links import LONGEST, Links
from correspondence.samples import reminder, samples
from correspondence.wording import Wording
from domain.faults import ConfigurationFault
from domain.reminder import Reminder

ROOT = Path(__file__).parents[2]
URL = "https://relance.maree.example"
LINKS = Links(URL, (b"k" * 32,), 90)
ALPHABET = f"{ascii_letters}{digits}-_"
SAMPLE = samples("overdue", "fr")["one"]
LAST = SAMPLE.day + timedelta(days=90)


@pytest.fixture(scope="module")
def wording() -> Wording:
    """Loads the wording that Relance ships, with links."""
    return Wording.load(ROOT / "config" / "wording", LINKS)


@pytest.fixture(scope="module")
def plain(wording: Wording) -> Wording:
    """Gives the same wording without links."""
    return Wording(ROOT / "config" / "wording", wording._sources)


def settings(tmp_path: Path, **more: object) -> Settings:
    """Gives settings whose files lie in a folder of the test."""
    return Settings.model_validate({"folders": Folders(var=tmp_path / "var"), **more})


def test_a_link_is_read_until_its_last_day() -> None:
    """A token tells for whom it was made up to and including its last day, and nothing on the next."""
    token = LINKS.token(SAMPLE)
    invitation = LINKS.read(token, LAST)
    assert invitation is not None
    assert (invitation.creditor, invitation.debtor) == (SAMPLE.creditor.id, SAMPLE.debtor.id)
    assert (invitation.reminder, invitation.until) == (SAMPLE.id, LAST)
    assert LINKS.read(token, LAST + timedelta(days=1)) is None


def test_no_changed_character_is_read() -> None:
    """A token with any one character exchanged, cut off or added is nobody's."""
    token = LINKS.token(SAMPLE)
    for place, char in enumerate(token):
        other = ALPHABET[(ALPHABET.index(char) + 1) % len(ALPHABET)]
        assert LINKS.read(token[:place] + other + token[place + 1 :], LAST) is None
        assert LINKS.read(token[:place], LAST) is None
    for more in ("A", "=", "\n", " ", "%00"):
        assert LINKS.read(token + more, LAST) is None


@pytest.mark.parametrize("token", ["", "é", "AQ", "." * 80, "A" * (LONGEST + 1), "A" * LONGEST, "/../../etc"])
def test_nonsense_is_nobodys(token: str) -> None:
    """What is no token at all is refused like a forged one."""
    assert LINKS.read(token, LAST) is None


def test_another_debtor_cannot_be_named() -> None:
    """The names in a token cannot be exchanged or parted anew without the key."""
    token = LINKS.token(SAMPLE)
    content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for forged in (
        content.replace(b"boulangerie", b"boucherie--"),
        content.replace(b"\x07atelier", b"\x08atelier"),
        content.replace(b"\x01", b"\x02", 1),
    ):
        assert LINKS.read(urlsafe_b64encode(forged).rstrip(b"=").decode(), LAST) is None
    stranger = Links(URL, (b"x" * 32,), 90)
    assert LINKS.read(stranger.token(SAMPLE), LAST) is None


def test_the_longest_names_fit() -> None:
    """The ids of both parties may be as long as ids can be."""
    long = reminder("overdue", "fr", SAMPLE.lines).model_copy(
        update={
            "creditor": SAMPLE.creditor.model_copy(update={"id": "c" * 64}),
            "debtor": SAMPLE.debtor.model_copy(update={"id": "d" * 64}),
        }
    )
    token = LINKS.token(long)
    assert len(token) <= LONGEST
    assert LINKS.read(token, LAST) is not None


def test_an_older_key_still_counts() -> None:
    """After a change of keys old links are read as long as the old key is kept, and new ones use the new."""
    token = LINKS.token(SAMPLE)
    rotated = Links(URL, (b"n" * 32, b"k" * 32), 90)
    assert rotated.read(token, LAST) is not None
    assert rotated.token(SAMPLE) != token
    assert Links(URL, (b"n" * 32,), 90).read(token, LAST) is None


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Without a setting a key is made once, readable by nobody else; what others may read is refused."""
    own = settings(tmp_path)
    keys = secret_keys(own)
    file = tmp_path / "var" / "secret.key"
    assert len(keys[0]) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_keys(own) == keys
    assert [path.name for path in file.parent.iterdir()] == ["secret.key"]
    file.chmod(0o644)
    with pytest.raises(ConfigurationFault, match="chmod 600"):
        secret_keys(own)
    file.chmod(0o600)
    file.write_text("short\n")
    with pytest.raises(ConfigurationFault, match="keys of 32 characters"):
        secret_keys(own)


def test_the_setting_names_the_keys(tmp_path: Path) -> None:
    """Keys in the settings are used in their order, no file is made, and nothing prints them."""
    own = settings(
        tmp_path, secret_key=f"{'a' * 32} {'b' * 40}", console=Console(public_url="https://x.example")
    )
    assert secret_keys(own) == (b"a" * 32, b"b" * 40)
    assert not (tmp_path / "var").exists()
    links = links_of(own)
    assert links is not None
    assert "aaaa" not in repr(links) + repr(own)


def test_a_short_key_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that can be guessed is refused, and the refusal does not show it."""
    from config.settings import load  # noqa: PLC0415 - reads the variables set here

    monkeypatch.setenv("RELANCE_SECRET_KEY", "guessable-secret")
    with pytest.raises(ConfigurationFault, match="RELANCE_SECRET_KEY") as refused:
        load()
    assert "guessable" not in str(refused.value)


def test_no_address_no_link(tmp_path: Path, plain: Wording) -> None:
    """Where nobody said under which address Relance is reached, no link is written and no key is made."""
    assert links_of(settings(tmp_path)) is None
    assert not (tmp_path / "var").exists()
    email = render_email(SAMPLE, plain)
    assert "/a/" not in email.text + email.html


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_email_carries_its_link(wording: Wording, language: str) -> None:
    """Every e-mail, in text and HTML, names its debtor's page once, and is otherwise what it was."""
    for message in wording.messages:
        if wording.speaks(message):
            continue
        sample = samples(message, language)["one"]
        link = LINKS.link(sample)
        email = render_email(sample, wording)
        assert email.text.count(link) == email.html.count(link) == 1
        assert email == render_email(sample, wording)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_letter_carries_its_link_on_its_one_page(wording: Wording, language: str) -> None:
    """A letter shows its link as a code that scans, still on one sheet, beside the code of the transfer."""
    for message in wording.messages:
        if wording.speaks(message):
            continue
        sample = samples(message, language)["one"]
        pdf = render_letter(sample, wording).pdf
        assert len(PdfReader(io.BytesIO(pdf)).pages) == 1, message
        page = pypdfium2.PdfDocument(pdf)[0]
        texts = [code.text for code in zxingcpp.read_barcodes(page.render(scale=200 / 72).to_pil())]
        assert LINKS.link(sample) in texts, message
        assert len(texts) == 2


def test_a_call_has_no_link(wording: Wording) -> None:
    """What is said on the telephone names no page."""
    assert not wording.statement(samples("call", "fr")["one"], "call").link


def test_names_do_not_reach_the_address(wording: Wording) -> None:
    """A hostile name changes nothing of the link, and stays text around it."""
    evil = SAMPLE.model_copy(
        update={"debtor": SAMPLE.debtor.model_copy(update={"legal_name": '"><script>{{ link }}\r\nBcc: x'})}
    )
    email = render_email(evil, wording)
    assert LINKS.link(evil) == LINKS.link(SAMPLE)
    assert "<script>" not in email.html
    assert email.text.count("/a/") == 1


def test_what_is_foretold_is_what_leaves(wording: Wording, plain: Wording) -> None:
    """The words follow from the reminder and the links alone, at any hour and in any process."""
    again = Wording(wording._folder, wording._sources, Links(URL, (b"k" * 32,), 90))
    copy = Reminder.model_validate_json(SAMPLE.model_dump_json())
    assert render_email(copy, again).digest == render_email(SAMPLE, wording).digest
    assert render_letter(copy, again).digest == render_letter(SAMPLE, wording).digest
    assert plain.version == wording.version


def test_reading_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Neither making nor reading a link writes a line."""
    with caplog.at_level(logging.DEBUG):
        LINKS.read(LINKS.token(SAMPLE), LAST)
        LINKS.read("forged", LAST)
    assert not caplog.records
