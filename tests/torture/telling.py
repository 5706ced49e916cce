"""How a run is told: one table, and for a failure the story that leads to it.

In: what is printed. Not in: what is counted (verdict.py, diary.py).
"""

from rich.console import Console
from rich.table import Table

from tests.torture.diary import Diary
from tests.torture.points import Point
from tests.torture.verdict import KINDS, Verdict


def table(verdict: Verdict, diary: Diary, deaths: dict[str, int]) -> Table:
    """Puts every figure of a run into one table."""
    shown = Table(show_header=False, title=f"torture, seed {verdict.figures['seed']}", title_justify="left")
    shown.add_column()
    shown.add_column(justify="right")
    for name, figure in verdict.figures.items():
        if name != "seed":
            shown.add_row(name, f"{figure}")
    shown.add_section()
    killed = diary.counts["killed at random"]
    shown.add_row("kills in all", f"{killed + sum(deaths.values())}")
    shown.add_row("  at random", f"{killed}")
    for point in Point:
        shown.add_row(f"  {point.value}", f"{deaths.get(point.value, 0)}")
    shown.add_section()
    for kind, count in sorted(diary.counts.items()):
        if kind != "killed at random":
            shown.add_row(kind, f"{count}")
    shown.add_section()
    for why, count in verdict.ambiguous.most_common():
        shown.add_row(f"ambiguous: {why}", f"{count}")
    shown.add_section()
    for kind in KINDS:
        shown.add_row(f"found: {kind}", f"{verdict.totals[kind]}")
    return shown


def tell_failure(screen: Console, verdict: Verdict, diary: Diary, again: str) -> None:
    """Tells every finding, and the story of the first account that has one."""
    for finding in verdict.findings[:50]:
        screen.print(f"{finding.kind}: {finding.debtor}: {finding.what}", soft_wrap=True, markup=False)
    debtor = next((one.debtor for one in verdict.findings if one.debtor in diary.entries), None)
    if debtor is None:
        return
    screen.print(f"\nthe story of {debtor}:", markup=False)
    for entry in diary.story(debtor):
        at = f"{entry.at:%Y-%m-%d %H:%M:%S}Z" if entry.at else "." * 20
        screen.print(f"{entry.second:8.2f} s  {at}  {entry.what}", soft_wrap=True, markup=False)
    screen.print(f"\nagain, alone: {again} ONLY={debtor}", markup=False)
