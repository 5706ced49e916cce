"""What holds for all debtors of a creditor at an instant, read from the creditor's own chain.

In: stops of sending, holds on everybody, how old payment data may be and how far they and the bank accounts
    are known, the zone, the caps, the days of grace.
Not in: one account (story.py).

These facts stand on other chains than an account's: only instants order them with an account's entries.
Transactions wait for one another and machines' clocks differ, so what was written within `leeway` of an
entry, or at the same instant, is taken to have come before it or after it, whichever clears the entry.
"""

from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from audit import days
from audit.chains import Entry

GRACE_DAYS = 3
"""What a creditor's facts mean that say nothing of a grace: those of the first release."""

LEEWAY = timedelta(seconds=30)
"""Longer than a transaction waits for another one, and than clocks of machines should differ."""


@dataclass(frozen=True)
class Suspension:
    """Holds a stop or a hold on everybody, from when to when it was in force."""

    begun: datetime
    facts: Mapping[str, Any]
    ended: datetime | None = None

    def certain(self, at: datetime, leeway: timedelta) -> bool:
        """Tells whether it was in force at an instant, beyond doubt."""
        return self.begun + leeway < at and (self.ended is None or at < self.ended - leeway)


@dataclass
class Suspensions:
    """Keeps stops, or holds, by their key."""

    closed: list[Suspension] = field(default_factory=list)
    current: dict[Any, Suspension] = field(default_factory=dict)

    def begin(self, key: Any, at: datetime, facts: Mapping[str, Any]) -> None:
        """Notes that one begins."""
        self.current[key] = Suspension(at, facts)

    def end(self, key: Any, at: datetime) -> None:
        """Notes that one ends."""
        one = self.current.pop(key)
        self.closed.append(Suspension(one.begun, one.facts, at))

    def certain(self, at: datetime, leeway: timedelta) -> Iterable[Mapping[str, Any]]:
        """Lists those in force at an instant, beyond doubt."""
        for one in (*self.closed, *self.current.values()):
            if one.certain(at, leeway):
                yield one.facts


@dataclass
class Owner:
    """Reads a creditor's chain, or that of the whole installation, entry by entry.

    A chain that does not add up is not `believed`: it forbids nothing.
    """

    leeway: timedelta = LEEWAY
    stops: Suspensions = field(default_factory=Suspensions)
    holds: Suspensions = field(default_factory=Suspensions)
    stated: list[tuple[datetime, Mapping[str, Any]]] = field(default_factory=list)
    known: list[tuple[datetime, datetime]] = field(default_factory=list)
    booked: dict[str, list[tuple[datetime, date]]] = field(default_factory=dict)
    resumed_at: datetime | None = None
    believed: bool = True
    _feeds: list[tuple[datetime, tuple[datetime, datetime]]] = field(default_factory=list)

    def read(self, entry: Entry) -> None:
        """Takes one entry in; raises KeyError for one that makes no sense."""
        facts = entry.facts
        match entry.kind:
            case "creditor.registered" | "creditor.revised":
                self.stated.append((entry.at, facts["stated"]))
            case "payments.known":
                self.known.append((entry.at, datetime.fromisoformat(facts["as_of"])))
            case "bank.booked":
                booked_to = entry.at, date.fromisoformat(facts["booked_to"])
                self.booked.setdefault(bare(facts["account"]), []).append(booked_to)
            case "hold.placed":
                self.holds.begin(facts["hold"]["id"], entry.at, facts["hold"])
            case "hold.lifted":
                self.holds.end(facts["hold"], entry.at)
            case "sending.stopped":
                self.stops.begin(stop_key(facts), entry.at, facts)
            case "sending.resumed":
                self.stops.end(stop_key(facts), entry.at)
                self.resumed_at = max(entry.at, self.resumed_at or entry.at)

    def is_stopped(self, at: datetime, policies: Iterable[str], channel: str) -> bool:
        """Tells whether sending was stopped, for one of these policies' ids, by this channel."""
        named = set(policies)
        return self.believed and any(
            facts.get("policy", "") in {"", *named} and facts.get("channel", "") in {"", channel}
            for facts in self.stops.certain(at, self.leeway)
        )

    def holds_on(self, at: datetime, day: date) -> bool:
        """Tells whether a hold on every debtor covered a day."""
        return self.believed and any(covers(facts, day) for facts in self.holds.certain(at, self.leeway))

    def _in_force(self, at: datetime) -> list[Mapping[str, Any]]:
        """Gives what was stated of the creditor before an instant, and what was stated close to it."""
        settled = [facts for when, facts in self.stated if when < at - self.leeway][-1:]
        close = [facts for when, facts in self.stated if abs(when - at) <= self.leeway]
        return settled + close or [facts for _, facts in self.stated[:1]]

    def zone(self, at: datetime) -> ZoneInfo:
        """Gives the creditor's time zone."""
        facts = self._in_force(at)
        return ZoneInfo(str(facts[-1]["time_zone"])) if facts else ZoneInfo("UTC")

    def last_day(self, at: datetime) -> date:
        """Gives the civil day at an instant, the later one where another zone was stated close to it."""
        zones = [ZoneInfo(str(facts["time_zone"])) for facts in self._in_force(at)] or [ZoneInfo("UTC")]
        return max(at.astimezone(zone).date() for zone in zones)

    def daily_cap(self, first: datetime, last: datetime) -> int | None:
        """Gives the most messages that could leave on a day, by anything in force between two instants.

        None where there was no cap, or its chain is not believed.
        """
        meanwhile = [facts for when, facts in self.stated if first < when <= last + self.leeway]
        stated = [facts.get("daily_cap") for facts in (*self._in_force(first), *meanwhile)]
        caps = [int(cap) for cap in stated if cap is not None]
        return max(caps) if self.believed and caps and len(caps) == len(stated) else None

    def graces(self, at: datetime) -> list[timedelta]:
        """Lists how long agreed money may be on its way: one, the last stated, and any stated close by."""
        stated = [facts.get("grace_days", GRACE_DAYS) for facts in reversed(self._in_force(at))]
        return [timedelta(days=days) for days in dict.fromkeys(stated or [GRACE_DAYS])]

    def contact_cap(self, at: datetime) -> int:
        """Gives the least number of days between two messages to a debtor."""
        return min(int(facts["contact_cap_days"]) for facts in self._in_force(at))

    def too_old(self, at: datetime) -> str | None:
        """Says by how much payment data were too old at an instant; None where they were not."""
        bounds = [facts["payment_freshness_hours"] for facts in self._in_force(at)]
        if None in bounds or not bounds or not self.believed:
            return None
        known = self._known_by(at + self.leeway)
        if known is None:
            return "payments had never been fed in"
        if at - known <= timedelta(hours=max(bounds)) + self.leeway:
            return None
        return f"payments were known up to {known:%Y-%m-%d %H:%M}Z, {max(bounds)} hours are allowed"

    def unread(self, at: datetime) -> str | None:
        """Says which bank account had not been read for too long at an instant; None where none had."""
        found = [self._unread(at, facts) for facts in self._in_force(at)]
        return found[-1] if self.believed and found and None not in found else None

    def _unread(self, at: datetime, facts: Mapping[str, Any]) -> str | None:
        today = at.astimezone(ZoneInfo(str(facts["time_zone"]))).date()
        for source in facts.get("banks", ()):
            told = self.booked.get(bare(source["account"]), ())
            booked = [booked_to for when, booked_to in told if when <= at + self.leeway]
            if not booked:
                return f"bank account {source['key']} had never been read"
            unseen, bound = days.between(max(booked), today, facts), source["fresh_within_days"]
            if unseen > bound:
                seen = f"bank account {source['key']} was read up to {max(booked)}"
                return f"{seen}: {unseen} business days were unseen, {bound} are allowed"
        return None

    def _known_by(self, at: datetime) -> datetime | None:
        """Finds up to when payments were known by an instant."""
        if len(self._feeds) != len(self.known):
            feeds = sorted(self.known)
            self._feeds = list(zip((when for when, _ in feeds), accumulate(feeds, _later), strict=True))
        place = bisect(self._feeds, at, key=lambda feed: feed[0])
        return self._feeds[place - 1][1][1] if place else None


def _later(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    return max(one, other, key=lambda feed: feed[1])


def bare(account: str) -> str:
    """Writes an account without the spaces that some write it with."""
    return "".join(account.split()).upper()


def stop_key(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Names what is stopped within its chain: a policy, a channel, or everything."""
    return facts.get("policy", ""), facts.get("channel", "")


def covers(hold: Mapping[str, Any], day: date) -> bool:
    """Tells whether a hold suspends a day; both its ends are inclusive."""
    return date.fromisoformat(hold["starts_on"]) <= day <= date.fromisoformat(hold["until"])
