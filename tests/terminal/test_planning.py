"""Policies and previews: what the command line says before anything runs."""

import pytest

from tests.terminal.conftest import Terminal


def days(answer: dict[str, list[dict[str, str]]]) -> list[tuple[str, str]]:
    """Reads the steps and days of a previewed calendar."""
    return [(line["step"], line["day"]) for line in answer["calendar"]]


@pytest.mark.parametrize(
    ("roll", "expected"),
    [
        ("none", ["2026-03-21", "2026-03-28", "2026-04-02", "2026-04-30"]),
        ("next", ["2026-03-23", "2026-03-30", "2026-04-02", "2026-04-30"]),
        ("outward", ["2026-03-20", "2026-03-27", "2026-04-02", "2026-04-30"]),
    ],
)
def test_ac01_preview_gives_the_seed_calendar(terminal: Terminal, roll: str, expected: list[str]) -> None:
    """AC-01: due 2026-03-31 under D-10, D-3, D+2, D+30, then the handoff, whichever way days roll."""
    answer = terminal.told("preview", "--policy", "seed", "--due", "2026-03-31", "--roll", roll)
    found = days(answer)
    assert [day for _, day in found[:4]] == expected
    assert [step for step, _ in found] == ["D-10", "D-3", "D+2", "D+30", "handoff"]


def test_preview_knows_the_holidays_of_alsace(terminal: Terminal) -> None:
    """Good Friday works in Lyon and not in Strasbourg, where the step waits until after Easter."""
    rest = ("preview", "--policy", "seed", "--due", "2026-04-01")
    assert ("D+2", "2026-04-03") in days(terminal.told(*rest, "--postcode", "69002"))
    assert ("D+2", "2026-04-07") in days(terminal.told(*rest, "--postcode", "67000"))


def test_preview_reads_in_french(terminal: Terminal) -> None:
    """A French reader finds French days, titles and reasons."""
    said = terminal.done("preview", "--policy", "seed", "--due", "31/03/2026", "--lang", "fr")
    assert "ven. 20/03/2026 09:00" in said
    assert "son jour n'est pas ouvré" in said


def test_policy_list_names_the_shipped_policies(terminal: Terminal) -> None:
    """The two shipped policies are listed with their calendars."""
    found = {one["id"]: one["steps"] for one in terminal.told("policy", "list")}
    assert found["seed"] == ["D-10", "D-3", "D+2", "D+30", "handoff"]
    assert "french-b2b" in found


def test_policy_show_reads_as_a_calendar(terminal: Terminal) -> None:
    """Each step has its offset, channel, tone, who does it, its wording, and a day on the sample."""
    lines = terminal.done("policy", "show", "french-b2b", "--due", "2026-03-31").splitlines()
    notice = next(line for line in lines if line.startswith("formal-notice")).split("  ")
    words = [word.strip() for word in notice if word.strip()]
    assert words[1:] == [
        "D+40",
        "Formal notice",
        "letter",
        "formal",
        "management, after approval",
        "formal-notice",
        "Mon 2026-05-11",
    ]


def test_a_policy_of_ones_own_can_be_tried(terminal: Terminal) -> None:
    """A TOML file is shown without being installed; a mistake names the file, the field and the remedy."""
    text = (
        'id = "%s"\ntitle = { en = "Mine" }\nspacing_days = 2\ncatch_up = "next_required"\n'
        '[[steps]]\nkey = "one"\noffset_days = 5\nchannel = "email"\ntone = "%s"\nmessage = "overdue"\n'
    )
    good = terminal.file("mine.toml", text % ("mine", "firm"))
    assert [step for step, _ in days(terminal.told("preview", "--policy", good, "--due", "2026-03-31"))] == [
        "one"
    ]
    bad = terminal("policy", "show", terminal.file("bad.toml", text % ("bad", "loud")))
    assert bad.exit_code == 6
    assert "bad.toml" in bad.stderr
    assert "tone" in bad.stderr
    assert "loud" in bad.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["preview", "--policy", "seed"], 2, "--due"),
        (["preview", "--due", "2026-02-30"], 2, "2026-02-30"),
        (
            ["preview", "--due", "2026-03-31", "--policy", "sed"],
            4,
            "no policy 'sed'; use one of french-b2b, seed",
        ),
        (["preview", "--due", "2026-03-31", "--country", "fr"], 3, "country = 'fr'"),
        (["preview", "--due", "2026-03-31", "--issued", "2026-04-01"], 3, "issued = '2026-04-01'"),
        (["policy", "show", "missing.toml"], 6, "missing.toml"),
    ],
)
def test_mistakes_name_the_remedy(terminal: Terminal, arguments: list[str], code: int, said: str) -> None:
    """Each mistake has its exit code and a sentence that names the value."""
    result = terminal(*arguments)
    assert result.exit_code == code
    assert said in result.stderr


def test_an_error_is_json_too(terminal: Terminal) -> None:
    """A program that asked for JSON finds the fault in JSON, and the exit code in it."""
    answer = terminal.told("preview", "--due", "2026-03-31", "--country", "France", code=3)
    assert answer["exit_code"] == 3
    assert (answer["error"]["field"], answer["error"]["value"]) == ("country", "France")
