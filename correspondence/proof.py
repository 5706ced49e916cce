"""The proof of a wording: it is tried on samples when it is loaded, not on a customer.

In: missing translations and parts, unknown variables, texts that come out empty, letters that do not set.
Not in: the tone and the taste of the words.
"""

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jinja2 import meta

from correspondence.letter import set_letter
from correspondence.samples import samples
from correspondence.statement import Statement
from domain.faults import ConfigurationFault
from domain.reminder import Reminder

if TYPE_CHECKING:
    from correspondence.wording import Wording

LAYOUTS = ("layout.txt", "layout.html", "layout.typ")
WRITTEN = ("subject.txt", "body.txt", "body.html", "letter.typ")
SPOKEN = ("subject.txt", "script.txt")
_KNOWN = frozenset(Statement.model_fields) | {"words_before", "words_after", "code_source"}
_TYPESET = {"one", "mixed", "bare"}
"""The shapes whose letters are set: enough to reach every branch, few enough to load in a second."""


def prove(wording: "Wording") -> None:
    """Raises ConfigurationFault for the first text that cannot be used, naming its file and the reason."""
    for name in LAYOUTS:
        wording.source(name)
    if not wording.messages:
        msg = f"{wording.place('')}: there is no message; write <language>/<message>/subject.txt and the rest"
        raise ConfigurationFault(msg)
    _prove_words(wording)
    _prove_variables(wording)
    for language in wording.languages:
        for message in wording.messages:
            _prove_message(wording, message, language)


def _prove_words(wording: "Wording") -> None:
    every = {key for words in wording.words().values() for key in words}
    for language, words in wording.words().items():
        for key in sorted(every - words.keys()):
            msg = f"{wording.place(f'{language}/words.toml')}: {key} is missing; another language has it"
            raise ConfigurationFault(msg)


def _prove_variables(wording: "Wording") -> None:
    """Refuses an unknown variable even in a branch that no sample takes."""
    for name, tree in wording.templates():
        for variable in sorted(meta.find_undeclared_variables(tree) - _KNOWN):
            near = difflib.get_close_matches(variable, _KNOWN, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(sorted(_KNOWN))}"
            msg = f"{wording.place(name)}: the variable {variable!r} is unknown; {hint}"
            raise ConfigurationFault(msg)


def _prove_message(wording: "Wording", message: str, language: str) -> None:
    spoken = wording.speaks(message)
    for part in SPOKEN if spoken else WRITTEN:
        wording.source(f"{language}/{message}/{part}")
    for shape, sample in samples(message, language).items():
        for part, text in _spoken(wording, sample) if spoken else _written(wording, sample):
            if not text:
                name = wording.place(f"{language}/{message}/{part}")
                msg = (
                    f"{name} comes out empty for the sample {shape!r}: every part of a message says something"
                )
                raise ConfigurationFault(msg)
        if not spoken and shape in _TYPESET:
            set_letter(sample, wording)


def _spoken(wording: "Wording", sample: Reminder) -> Iterator[tuple[str, str]]:
    said = wording.statement(sample, "call")
    yield from ((part, wording.fill(sample, part, said)) for part in SPOKEN)


def _written(wording: "Wording", sample: Reminder) -> Iterator[tuple[str, str]]:
    said = wording.statement(sample, "email")
    words = wording.both_words(sample, said)
    yield "subject.txt", wording.fill(sample, "subject.txt", said)
    yield from (("body.txt", str(blocks or "")) for blocks in words.values())
    yield "body.txt", wording.fill(sample, "body.txt", said)
    yield "body.html", wording.fill(sample, "body.html", said, code_source="", **words)
