"""The wording folder: loaded whole, tried on samples, and versioned by its content.

In: finding the texts of a message in a language, filling them, refusing a folder that cannot be used.
Not in: the envelope of an e-mail (email.py), the setting of a letter (letter.py).

wording/
├── layout.txt, layout.html, layout.typ    the table, the payment box, the footer: once for all
└── <language>/
    ├── words.toml                         labels and shared sentences
    └── <message>/                         subject.txt, body.txt, body.html, letter.typ; or, for a
                                           call, subject.txt and script.txt
"""

import hashlib
import tomllib
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

import jinja2
from babel import UnknownLocaleError

from correspondence.formats import locale_of
from correspondence.links import Links
from correspondence.proof import SPOKEN, WRITTEN, prove
from correspondence.statement import Medium, Statement, state
from domain.faults import ConfigurationFault
from domain.policy import Channel, DunningPolicy
from domain.reminder import Reminder

_TYPES = {".txt", ".html", ".typ", ".toml"}

Block = dict[str, str | list[str]]
"""A paragraph (`text`) or a list (`items`) of a message's own words."""


class Wording:
    """Holds every text of a wording folder, proven to be complete.

    With `links` every e-mail and letter names the page on which its debtor can answer.
    """

    def __init__(self, folder: Path, sources: Mapping[str, str], links: Links | None = None) -> None:
        """Takes the sources by their path in the folder; `load` is the way in."""
        self._folder = folder
        self._links = links
        self._sources = dict(sources)
        self._words = {language: self._read_words(language) for language in self.languages}
        self._jinja = jinja2.Environment(
            loader=jinja2.FunctionLoader(self._source),
            undefined=jinja2.StrictUndefined,
            # Plain text, subjects and scripts are not markup; whatever ends in .html is escaped.
            autoescape=lambda name: name is not None and name.endswith(".html"),  # noqa: S701 - see above
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._jinja.filters["upfirst"] = lambda text: text[:1].upper() + text[1:]

    @classmethod
    def load(cls, folder: Path, links: Links | None = None) -> Self:
        """Reads a wording folder and tries every text; raises ConfigurationFault naming file and variable."""
        wording = cls.unproven(folder, links)
        prove(wording)
        return wording

    @classmethod
    def unproven(cls, folder: Path, links: Links | None = None) -> Self:
        """Reads a wording folder without trying its texts, which takes longer than a person waits."""
        if not folder.is_dir():
            msg = (
                f"{folder}: there is no such wording folder; set the folder that holds <language>/<message>/"
            )
            raise ConfigurationFault(msg)
        sources = {path.relative_to(folder).as_posix(): _read(path) for path in _texts(folder)}
        return cls(folder, sources, links)

    @cached_property
    def version(self) -> str:
        """Names this exact content: the first twelve digits of the SHA-256 of all files."""
        digest = hashlib.sha256()
        for name, text in sorted(self._sources.items()):
            digest.update(f"{name}\0{len(text)}\0{text}".encode())
        return digest.hexdigest()[:12]

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Lists the languages of the folder."""
        return tuple(sorted({name.split("/")[0] for name in self._sources if "/" in name}))

    @cached_property
    def messages(self) -> tuple[str, ...]:
        """Lists the messages of the folder, in whichever language they are found."""
        parts = (name.split("/") for name in self._sources)
        return tuple(sorted({names[1] for names in parts if len(names) > 2}))  # noqa: PLR2004 - language/message/file

    def check(self, policy: DunningPolicy) -> None:
        """Raises ConfigurationFault where a step of the policy has no words in one of its languages."""
        for step in policy.steps:
            if step.channel is Channel.HANDOFF or not step.message:
                continue
            needed = WRITTEN if step.channel.writes else SPOKEN
            for name in (
                f"{language}/{step.message}/{part}" for language in policy.languages for part in needed
            ):
                if name not in self._sources:
                    place = f"{self._folder / name} is missing: step {step.key!r} of policy {policy.id!r}"
                    remedy = f"write it, or name one of {', '.join(self.messages)}"
                    msg = (
                        f"{place} is sent by {step.channel.value} with the message {step.message!r}; {remedy}"
                    )
                    raise ConfigurationFault(msg)

    def speaks(self, message: str) -> bool:
        """Tells whether a message is the script of a call."""
        return any(name.endswith(f"/{message}/script.txt") for name in self._sources)

    def statement(self, reminder: Reminder, medium: Medium) -> Statement:
        """Writes out a reminder in its language; raises ConfigurationFault for a language without words."""
        self._demand(f"{reminder.language}/words.toml")
        name = self._folder / reminder.language / "words.toml"
        try:
            link = self._links.link(reminder) if self._links and medium != "call" else ""
            return state(reminder, self._words[reminder.language], medium, link)
        except KeyError as fault:
            msg = f"{name}: {fault.args[0]!r} is missing, or is not a value that its sentence may use"
            raise ConfigurationFault(msg) from fault

    def fill(self, reminder: Reminder, part: str, statement: Statement, **more: object) -> str:
        """Fills one text of the reminder's message; raises ConfigurationFault naming file and variable."""
        name = f"{reminder.language}/{reminder.wording}/{part}"
        return self._guard(
            name, lambda: self._jinja.get_template(name).render(_variables(statement) | more)
        ).strip()

    def own_words(self, reminder: Reminder, statement: Statement, block: str) -> list[Block]:
        """Gives a block of body.txt as paragraphs and lists, which HTML and letters set in their way."""
        name = f"{reminder.language}/{reminder.wording}/body.txt"

        def fill() -> str:
            template = self._jinja.get_template(name)
            if block not in template.blocks:
                msg = f"{self._folder / name}: block {block!r} is missing"
                raise ConfigurationFault(msg)
            return "".join(template.blocks[block](template.new_context(_variables(statement))))

        return _blocks(self._guard(name, fill))

    def both_words(self, reminder: Reminder, statement: Statement) -> dict[str, list[Block]]:
        """Gives the message's own words that stand before the table and after it."""
        return {f"words_{place}": self.own_words(reminder, statement, place) for place in ("before", "after")}

    def letter_source(self, reminder: Reminder) -> str:
        """Gives the Typst source of a letter: the layout, then the message's own page."""
        page = self.source(f"{reminder.language}/{reminder.wording}/letter.typ")
        return f"{self.source('layout.typ')}\n{page}"

    def place(self, name: str) -> Path:
        """Gives the path of a text, for faults."""
        return self._folder / name

    def source(self, name: str) -> str:
        """Gives a text as written; raises ConfigurationFault where the folder lacks it."""
        self._demand(name)
        return self._sources[name]

    def templates(self) -> Iterator[tuple[str, jinja2.nodes.Template]]:
        """Parses every template; raises ConfigurationFault, with the line, for one that has a mistake."""
        for name, text in self._sources.items():
            if name.endswith((".txt", ".html")):
                try:
                    yield name, self._jinja.parse(text, name, str(self._folder / name))
                except jinja2.TemplateSyntaxError as fault:
                    msg = f"{self._folder / name}, line {fault.lineno}: {fault.message}"
                    raise ConfigurationFault(msg) from fault

    def words(self) -> Mapping[str, Mapping[str, str]]:
        """Gives the words.toml of every language."""
        return self._words

    def _demand(self, name: str) -> None:
        if name not in self._sources:
            msg = f"{self._folder / name} is missing: write it, with the same parts as in the other languages"
            raise ConfigurationFault(msg)

    def _source(self, name: str) -> tuple[str, str, None]:
        self._demand(name)
        return self._sources[name], str(self._folder / name), None

    def _guard(self, name: str, fill: Callable[[], str]) -> str:
        try:
            return fill()
        except jinja2.TemplateSyntaxError as fault:
            msg = f"{fault.filename or name}, line {fault.lineno}: {fault.message}"
            raise ConfigurationFault(msg) from fault
        except jinja2.UndefinedError as fault:
            msg = f"{self._where(fault, name)}: {fault.message}; README.md of the wording lists what there is"
            raise ConfigurationFault(msg) from fault

    def _where(self, fault: jinja2.UndefinedError, name: str) -> str:
        """Finds the file and line of the folder in which a variable was missed."""
        frames = traceback.extract_tb(fault.__traceback__)
        own = [frame for frame in frames if Path(frame.filename).is_relative_to(self._folder)]
        return f"{own[-1].filename}, line {own[-1].lineno}" if own else str(self._folder / name)

    def _read_words(self, language: str) -> dict[str, str]:
        name = f"{language}/words.toml"
        self._demand(name)
        try:
            locale_of(language)
            words = tomllib.loads(self._sources[name])
        except (UnknownLocaleError, tomllib.TOMLDecodeError) as fault:
            msg = f"{self._folder / name}: {fault}"
            raise ConfigurationFault(msg) from fault
        for key, text in words.items():
            if not isinstance(text, str) or not text.strip():
                msg = f"{self._folder / name}: {key} = {text!r}: write a text between quotation marks"
                raise ConfigurationFault(msg)
        return words


def _texts(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in _TYPES and path.is_file())


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as fault:
        msg = f"{path}: byte {fault.start} is not UTF-8; save the file as UTF-8"
        raise ConfigurationFault(msg) from fault


def _variables(statement: Statement) -> dict[str, object]:
    return {name: getattr(statement, name) for name in Statement.model_fields}


def _blocks(text: str) -> list[Block]:
    """Reads paragraphs, parted by empty lines; a paragraph of lines that begin with `- ` is a list."""
    blocks: list[Block] = []
    for paragraph in text.strip().split("\n\n"):
        lines = [line.strip() for line in paragraph.splitlines() if line.strip()]
        if lines and all(line.startswith("- ") for line in lines):
            blocks.append({"items": [line.removeprefix("- ") for line in lines]})
        elif lines:
            blocks.append({"text": " ".join(lines)})
    return blocks
