"""What came in and what was refused, counted for whoever watches the process.

In: the counts since the process began, as Prometheus reads them, and a line in the log for each refusal.
Not in: who may read them (status.py).

Neither names anybody: a count has a kind, a line the kind, the place and the name of the credentials.
"""

from collections import Counter

import structlog

from console.api.problems import NAMESPACE, Problem
from intake.receiving import Answer

log = structlog.get_logger(__name__)


class Tally:
    """Counts events by what became of them, and refusals by their kind."""

    def __init__(self) -> None:
        """Begins at nothing."""
        self.events: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    def count(self, said: Answer, caller: str) -> None:
        """Counts the answer to one event."""
        self.events[said.status.value] += 1
        if said.is_refused:
            place = said.wrong.field if said.wrong is not None else None
            log.info("event_refused", reason=said.status.value, field=place, caller=caller, kept=said.kept)

    def refuse(self, problem: Problem, caller: str | None) -> None:
        """Counts a request that was refused as a whole."""
        kind = problem.type.removeprefix(NAMESPACE)
        self.refusals[kind] += 1
        log.info("request_refused", reason=kind, status=problem.status, caller=caller)

    def text(self) -> str:
        """Writes the counts out as Prometheus reads them."""
        lines = [
            "# HELP relance_api_events_total Events received, by what became of them.",
            "# TYPE relance_api_events_total counter",
            *(f'relance_api_events_total{{outcome="{name}"}} {n}' for name, n in sorted(self.events.items())),
            "# HELP relance_api_refusals_total Requests refused as a whole, by the kind of problem.",
            "# TYPE relance_api_refusals_total counter",
            *(
                f'relance_api_refusals_total{{kind="{name}"}} {n}'
                for name, n in sorted(self.refusals.items())
            ),
        ]
        return "\n".join(lines) + "\n"
