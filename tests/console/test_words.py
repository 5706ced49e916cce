"""The words of the console: every sentence of a template exists in French.

In: what templates say through gettext. Not in: sentences that the rules say (tests/domain).
"""

import re
from pathlib import Path

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from console.speech import WORDS, speech

TEMPLATES = Path(WORDS).parent / "templates"
SAME = {"Relance", "Note"}
"""Words that are the same in both languages."""


def test_every_sentence_has_its_french() -> None:
    """No template says anything in English to somebody who reads French."""
    french = speech("fr")
    lacking = {}
    for file in sorted(TEMPLATES.rglob("*.html")):
        for line, message, *_ in extract_from_file(
            "jinja2.ext:babel_extract", file, options={"extensions": "jinja2.ext.i18n,jinja2.ext.do"}
        ):
            said = message if isinstance(message, str) else message[0]
            if said not in french.known and said not in SAME:
                lacking[f"{file.relative_to(TEMPLATES)}:{line}"] = said
    assert lacking == {}


def test_translations_keep_their_places() -> None:
    """A translation fills in what its original fills in, no more and no less."""
    place = re.compile(r"%\((\w+)\)s")
    french = speech("fr")
    for said in french.known:
        for translated in french.all_of(said):
            assert set(place.findall(translated)) <= set(place.findall(said)) | {"num"}, said


def test_a_sentence_has_one_french() -> None:
    """Two rooms that say the same English say the same French: translations are one book."""
    seen: dict[str, tuple[str, object]] = {}
    twofold = []
    for file in sorted((WORDS / "fr").glob("*.po")):
        with file.open("rb") as source:
            for message in read_po(source, locale="fr"):
                key = message.id if isinstance(message.id, str) else message.id[0]
                if key and seen.setdefault(key, (file.name, message.string))[1] != message.string:
                    twofold.append(f"{key}: {seen[key][0]} and {file.name} differ")
    assert twofold == []
