"""What a story will do, foreseen by the rules of the live run, so that the two can be compared.

In: dated events and deeds as changes of an account, the instant at which a step will be taken.
Not in: what happens to whom (sample/story.py), the world that lives through it (world.py).

`domain/portfolio.py` says what each event means; here it only happens at an instant of the story
instead of at the start of its day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.account import Account
from domain.events import CreditorRegistered, DebtorRegistered, Event, InvoiceCreated, PaymentReceived
from domain.faults import NotFound
from domain.policy import DunningPolicy
from domain.portfolio import accounts_from
from domain.simulation import Change, Simulated, simulate
from trial.world import Deed, Moment

PARTIES = CreditorRegistered | DebtorRegistered
AFTERMATH = timedelta(days=400)
"""Longer than any ladder of the sample."""


@dataclass(frozen=True)
class Scene:
    """Pairs something that happens at an instant with what it changes."""

    at: datetime
    debtor: str
    what: Event | Deed
    change: Change

    @property
    def moment(self) -> Moment:
        """Gives what the world has to live through."""
        return Moment(self.at, self.debtor, self.what)


class Foresight:
    """Holds a company at the instant at which its events are fed in, and what is known to follow."""

    def __init__(
        self, events: Iterable[Event], catalogue: Mapping[str, DunningPolicy], begin: datetime
    ) -> None:
        """Takes the events that are fed in at `begin`, and the policies on offer by their ids."""
        self.begin = begin
        self.events = tuple(events)
        self.scenes: list[Scene] = []
        self.notes: dict[str, list[str]] = {}
        self.catalogue = catalogue
        invoices = {event.number for event in self.events if isinstance(event, InvoiceCreated)}
        self._early = [
            event
            for event in self.events
            if isinstance(event, PaymentReceived) and event.invoice not in {None, *invoices}
        ]
        """Payments that wait for an invoice of the story."""
        self._fed = [event for event in self.events if event not in self._early]
        portfolio = accounts_from(self._fed, catalogue)
        for refusal in portfolio.refused:
            raise refusal
        self._accounts = portfolio.accounts
        self._start = [(min(at, begin), debtor, change) for at, debtor, change in portfolio.facts]
        self.policies = {policy.version: policy for policy in catalogue.values()}

    def invoice(self, number: str) -> InvoiceCreated:
        """Finds an invoice among the events and the scenes; raises NotFound."""
        for event in (*self.events, *(scene.what for scene in self.scenes)):
            if isinstance(event, InvoiceCreated) and event.number == number:
                return event
        msg = f"the sample has no invoice {number}"
        raise NotFound(msg)

    def happen(self, at: datetime, event: Event, tells: str) -> None:
        """Adds an event at an instant; the invoice it names is known by then."""
        number = event.number if isinstance(event, InvoiceCreated) else getattr(event, "invoice", None)
        waited = [one for one in self._early if isinstance(event, InvoiceCreated) and one.invoice == number]
        known = [one for one in self._fed if isinstance(one, PARTIES | InvoiceCreated)]
        known += [scene.what for scene in self.scenes if isinstance(scene.what, InvoiceCreated)]
        before = len(accounts_from(known, self.catalogue).facts)
        facts = accounts_from([*known, event, *waited], self.catalogue).facts[before:]
        debtor = facts[0][1]

        def change(account: Account) -> Account:
            for _, _, one in facts:
                account = one(account)
            return account

        self.scenes.append(Scene(at.astimezone(UTC), debtor, event, change))
        self.note(str(number), tells)

    def note(self, number: str, tells: str) -> None:
        """Notes what is worth seeing about an invoice."""
        self.notes.setdefault(number, []).append(tells)

    def do(self, at: datetime, number: str, deed: Deed, change: Change, tells: str) -> None:
        """Adds a deed about an invoice at an instant, with what it changes."""
        self.scenes.append(Scene(at.astimezone(UTC), self.invoice(number).debtor, deed, change))
        self.note(number, tells)

    def when(self, number: str, step: str) -> datetime:
        """Foresees the instant at which a step of an invoice is due; raises NotFound where it never is."""
        debtor = self.invoice(number).debtor
        found = [one for one in self._live(debtor).entries if (one.invoice, one.step) == (number, step)]
        if not found:
            msg = f"invoice {number} never comes to the step {step}"
            raise NotFound(msg)
        return min(entry.at for entry in found)

    def opening(self, number: str) -> tuple[datetime, Account]:
        """Gives the instant at which an invoice comes in, and the account as it stands then."""
        debtor, at = self.invoice(number).debtor, self.begin
        account = next(one for one in self._accounts if one.debtor.id == debtor)
        for _, _, change in sorted((one for one in self._start if one[1] == debtor), key=lambda one: one[0]):
            account = change(account)
        scenes = iter(sorted((one for one in self.scenes if one.debtor == debtor), key=lambda one: one.at))
        while all(case.invoice.number != number for case in account.cases):
            scene = next(scenes)
            at, account = scene.at, scene.change(account)
        return at, account

    def whole(self) -> Simulated:
        """Foresees everything."""
        return self._live(None)

    @property
    def end(self) -> datetime:
        """Gives the instant until which the story is told."""
        return self.begin + AFTERMATH

    def _live(self, debtor: str | None) -> Simulated:
        scenes = [(scene.at, scene.debtor, scene.change) for scene in self.scenes]
        return simulate(
            [account for account in self._accounts if debtor in {None, account.debtor.id}],
            self.policies,
            [*self._start, *scenes],
            self.begin,
            self.end,
        )
