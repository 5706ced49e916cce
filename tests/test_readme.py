"""What the pages for people say is true: examples, commands, settings, links."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from config.catalogue import load_policy
from config.sections import HERE
from config.settings import _variables, load
from correspondence.wording import Wording
from domain.events import EVENT, Event
from domain.faults import RelanceError
from domain.schedule import calendar
from intake.admission import Status
from intake.door import Door
from intake.readers.files import read_text
from ledger.accounts import load as load_account
from ledger.database import Database
from terminal.application import assemble

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DECISIONS = ROOT / "docs" / "decisions"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def example(name: str) -> str:
    """Reads the file of that name out of the README."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found is not None, f"the README has no example {name}"
    return found[1]


def events(name: str) -> list[Event]:
    """Reads the events of an example, as the import does."""
    found = [row.event for row in read_text(example(name), source=name).rows]
    return [EVENT.validate_python(event) for event in found]


def rows(heading: str) -> list[list[str]]:
    """Reads the cells of the table whose first column has that heading."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert table is not None, f"the README has no table of {heading}"
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1].splitlines()]


def command_line() -> dict[str, typer.core.TyperCommand]:
    """Lists the commands of the command line by what is typed, groups with their own commands."""
    group = typer.main.get_command(assemble())
    assert isinstance(group, typer.core.TyperGroup)
    found: dict[str, typer.core.TyperCommand] = {}
    for name, command in group.commands.items():
        found[name] = command  # type: ignore[assignment]
        if isinstance(command, typer.core.TyperGroup):
            found |= {f"{name} {inner}": one for inner, one in command.commands.items()}  # type: ignore[misc]
    return found


def typed(line: str) -> tuple[str, list[str]]:
    """Cuts what is typed after starter.py into its command and its options."""
    words = line.split()
    length = 2 if " ".join(words[:2]) in command_line() else 1
    return " ".join(words[:length]), [word for word in words[length:] if word.startswith("--")]


def known_options(command: typer.core.TyperCommand) -> set[str]:
    """Lists the options of a command."""
    return {"--help"} | {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


async def test_the_invoice_of_the_readme_is_taken(tmp_path: Path) -> None:
    """The companies and the invoice printed in the README are taken, and again they are known."""
    policies = {policy.id: policy for policy in map(load_policy, sorted((HERE / "policies").glob("*.toml")))}
    async with await Database.open(f"sqlite:///{tmp_path}/record.sqlite3") as database:
        await database.migrate()
        door = Door(database, policies)
        now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        stated = events("company.json") + events("invoice.json")
        taken = [await door.admit(event, now=now) for event in stated]
        again = [await door.admit(event, now=now) for event in stated]
        async with database.reading() as conn:
            account = (await load_account(conn, "maree", "verger")).account
    assert [one.status for one in taken] == [Status.TAKEN] * 3
    assert [one.status for one in again] == [Status.KNOWN] * 3
    assert f"taken: {taken[-1].what}" in README
    plan = calendar(account, "F-2026-0117", policies["french-b2b"], now)
    for line in plan:
        assert re.search(rf"^ +{re.escape(line.step)} .* {line.day} ", README, re.MULTILINE), line.step


def test_the_policy_of_the_readme_is_valid(tmp_path: Path) -> None:
    """The policy printed in the README is loaded, has its words, and its version is the one printed."""
    file = tmp_path / "gentle.toml"
    file.write_text(example("gentle.toml"), "utf-8")
    policy = load_policy(file)
    Wording.load(HERE / "wording").check(policy)
    assert policy.version in README


def named_make_targets() -> set[str]:
    """Lists the make targets that any page names."""
    texts = [page.read_text("utf-8") for page in PAGES]
    return {name for text in texts for name in re.findall(r"(?:`|^ {4})make ([a-z]+)\b", text, re.MULTILINE)}


def test_make_targets_exist() -> None:
    """Every make target that a page names is one of the Makefile, and demo and test are named."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"demo", "test"} <= named_make_targets() <= targets


def test_every_command_is_listed() -> None:
    """The table of commands names each command of starter.py, and no other."""
    cells = [name for row in rows("command") for name in re.findall(r"`([^`]+)`", row[0])]
    listed = {typed(cell)[0] for cell in cells if not cell.startswith("--")}
    groups = {"policy"}  # has no action of its own
    assert listed == set(command_line()) - groups


def test_commands_that_pages_print_exist() -> None:
    """Every command typed after starter.py exists, with every option that stands beside it."""
    commands = command_line()
    lines = [cell for row in rows("command") for cell in re.findall(r"`([^-`][^`]*)`", row[0])]
    for page in PAGES:
        lines += re.findall(r"starter\.py ([a-z][^`\n|<]*)", page.read_text("utf-8"))
    for line in lines:
        name, options = typed(line)
        assert name in commands, line
        assert set(options) <= known_options(commands[name]), line


def faults(kind: type[RelanceError] = RelanceError) -> Iterator[type[RelanceError]]:
    """Walks the tree of faults below its root."""
    for one in kind.__subclasses__():
        yield one
        yield from faults(one)


def test_exit_codes_are_listed() -> None:
    """The table of exit codes has those of the domain's faults, and 0 and 2."""
    codes = {one.exit_code for one in faults() if one.__module__ == "domain.faults"}
    assert {int(row[0]) for row in rows("exit code")} == codes | {0, 2}


def test_settings_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The table of settings names every variable, with its default and what it may be set to."""
    for name in _variables(type(load())):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    settings = load()
    listed = {name.strip("`"): (default.strip("`"), values) for name, default, values in rows("variable")}
    known = _variables(type(settings))
    assert list(listed) == list(known)
    for name, (default, values) in listed.items():
        found: object = settings
        for part in name.removeprefix("RELANCE_").lower().split("__"):
            found = getattr(found, part)
        shown = "nothing" if found is None else str(getattr(found, "value", found))
        assert default in {shown.replace(f"{ROOT}/", ""), shown.replace("+aiosqlite", "")}, name
        assert values.replace("`", "") == known[name], name


def test_links_resolve() -> None:
    """Every relative link of a page leads to a file."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if "://" not in target and not target.startswith("#"):
                assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target}"


def test_the_index_lists_every_decision() -> None:
    """The index has each page of docs/decisions once, in order, under its number and title."""
    index = (DECISIONS / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|", index, re.MULTILINE)
    pages = sorted(page for page in DECISIONS.glob("*.md") if page.name != "README.md")
    assert [name for _, _, name in listed] == [page.name for page in pages]
    for number, title, name in listed:
        assert (DECISIONS / name).read_text("utf-8").startswith(f"# {number}. {title}\n"), name
        assert int(name[:4]) == int(number)


def test_decisions_have_their_parts() -> None:
    """Every decision tells its context, the decision, what follows and what else was considered."""
    for page in DECISIONS.glob("0*.md"):
        parts = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "Alternatives considered"], page.name
