"""What happens on this machine by itself: the audit of every night.

In: the schedule on the Temporal server, made or brought up to date.
Not in: the audit (audit/, workflows/nightly.py).
"""

import os
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from workflows.nightly import NightlyAudit

NIGHTLY = "nightly-audit"
"""The schedule's id, and the beginning of its runs' ids."""

HOUR, MINUTE = 3, 30
AT_NIGHT = f"{HOUR:02d}:{MINUTE:02d}"

MISSED = timedelta(hours=6)
"""A night that the machine slept through is caught up so many hours long."""

LOCALTIME = Path("/etc/localtime")


async def schedule_nightly_audit(client: Client, task_queue: str, zone: str | None = None) -> str:
    """Makes the schedule, or changes the one that is there, and returns its time zone."""
    zone = zone or machine_zone()
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(NightlyAudit.run, id=NIGHTLY, task_queue=task_queue),
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(HOUR)], minute=[ScheduleRange(MINUTE)])],
            time_zone_name=zone,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=MISSED),
    )

    def changed(current: ScheduleUpdateInput) -> ScheduleUpdate:
        # Whoever paused it meant it.
        schedule.state = current.description.schedule.state
        return ScheduleUpdate(schedule)

    try:
        await client.create_schedule(NIGHTLY, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(NIGHTLY).update(changed)
    return zone


def machine_zone() -> str:
    """Finds the name of this machine's time zone; UTC where it does not tell."""
    _, _, linked = str(LOCALTIME.resolve()).partition("zoneinfo/")
    for name in filter(None, (os.environ.get("TZ", "").lstrip(":"), linked)):
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return "UTC"
