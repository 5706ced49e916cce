"""The dunning of one invoice, from the event that created it to its ending.

In: the durable run: it sleeps until the next action, knocks at the gate, heeds what it is told.
Not in: any rule about what comes next; every plan is brought by an activity or by a wake-up, so that a
change of rule, of calendar or of time-zone data never disturbs the replay of a sleeping run.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.actions import GateAnswer, NextAction, Outcome, Plan
    from domain.agreements import LONGEST_HOLD
    from workflows.logs import workflow_logger
    from workflows.ports import (
        Collector,
        Ledger,
        OperatorCommand,
        OperatorOrder,
        PaymentNote,
        PaymentReport,
        Planner,
        PlanQuery,
        StepOrder,
        Verb,
        gate_queue,
    )
    from workflows.told import CaseEnded, CaseState, DunningRun, Told, Wake

HISTORY_LIMIT = 2000
"""Events after which a run starts afresh; a full escalation takes 71."""

PATIENT = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=10))
"""Tries for ever: each attempt judges anew, so an outage delays a step but never repeats or loses it."""

ATTEMPT = timedelta(seconds=60)


@workflow.defn(name="InvoiceDunning")
class InvoiceDunning:
    """Follows one invoice until it is paid, given up or handed off."""

    @workflow.init
    def __init__(self, begin: DunningRun) -> None:
        """Takes the case up where it stands."""
        self.case = begin.case
        self.revision = begin.revision
        self.next = begin.next
        self.story = list(begin.story)
        self.reports = list(begin.reports)
        self.reported = begin.reported
        self.plan_needed = False
        self.log = workflow_logger(invoice=begin.case.number)

    @workflow.run
    async def run(self, _begin: DunningRun) -> CaseEnded:
        """Sleeps, heeds facts and takes steps until the case closes."""
        self._show()
        while not self._is_over():
            if self.reports:
                await self._write_down_payment()
            elif self.next.closes:
                await workflow.wait_condition(
                    lambda: self._is_over() or bool(self.reports) or not self.next.closes
                )
            elif self.plan_needed:
                await self._plan_anew()
            elif not self._is_due():
                await self._sleep()
            elif self.next.kind == "take":
                await self._knock_at_the_gate()
            else:
                await self._plan_anew()
            self._start_afresh_if_long()
        self.log.info("case_closed", ending=self.next.ending)
        return CaseEnded(ending=self.next.ending, revision=self.revision)

    def _is_over(self) -> bool:
        """Tells whether nothing is left to do; what was reported at the last moment is written down first."""
        return self.next.closes and not self.reports and workflow.all_handlers_finished()

    def _is_due(self) -> bool:
        return self.next.at is not None and self.next.at <= workflow.now()

    async def _sleep(self) -> None:
        """Sleeps until the next action is due, or until something is said."""
        asleep = self.next
        timeout = asleep.at - workflow.now() if asleep.at is not None else None
        try:
            await workflow.wait_condition(
                lambda: bool(self.reports) or self.plan_needed or self.next is not asleep,
                timeout=timeout,
                timeout_summary=f"until {_named(asleep)}",
            )
        except TimeoutError:
            return

    async def _knock_at_the_gate(self) -> None:
        step, planned_at, asked_at = self.next.step or "", self.next.at or workflow.now(), self.revision
        order = StepOrder(case=self.case, step=step, planned_at=planned_at, as_of=workflow.now())
        knock = workflow.start_activity_method(
            Collector.take,
            order,
            task_queue=gate_queue(workflow.info().task_queue),
            priority=Priority(fairness_key=self.case.creditor),
            start_to_close_timeout=ATTEMPT,
            retry_policy=PATIENT,
            summary=f"{step}: may it be taken?",
        )
        while not knock.done():
            # The gate may try for hours: a payment reported meanwhile is on record at its next attempt.
            await workflow.wait_condition(lambda: knock.done() or bool(self.reports))
            if not knock.done():
                await self._write_down_payment()
        answer: GateAnswer = await knock
        self._recall(f"{answer.step} {answer.outcome}" + _reason(answer))
        self.log.info("step_answered", step=answer.step, outcome=answer.outcome)
        self._heed(answer, asked_at)

    async def _write_down_payment(self) -> None:
        report = PaymentReport(case=self.case, note=self.reports[0], as_of=workflow.now())
        asked_at = self.revision
        plan = await workflow.execute_activity_method(
            Ledger.record_payment,
            report,
            start_to_close_timeout=ATTEMPT,
            retry_policy=PATIENT,
            summary="a payment was reported",
        )
        self.reports.pop(0)
        self._recall("payment reported")
        self._heed(plan, asked_at)

    async def _plan_anew(self) -> None:
        query = PlanQuery(case=self.case, as_of=workflow.now())
        self.plan_needed, asked_at = False, self.revision
        plan = await workflow.execute_activity_method(
            Planner.next,
            query,
            start_to_close_timeout=ATTEMPT,
            retry_policy=PATIENT,
            summary="what comes next?",
        )
        self._heed(plan, asked_at)

    def _heed(self, answer: Plan, asked_at: int) -> None:
        """Takes over the answer to this run's own question, unless newer news came meanwhile.

        An answer below the revision known when it was asked for comes from a ledger restored from before:
        the ledger is the truth.
        """
        if answer.revision >= self.revision or self.revision == asked_at:
            self._adopt(answer)

    def _adopt(self, plan: Plan) -> None:
        self.revision, self.next = plan.revision, plan.next
        self._show()

    def _start_afresh_if_long(self) -> None:
        info = workflow.info()
        long = info.is_continue_as_new_suggested() or info.get_current_history_length() > HISTORY_LIMIT
        idle = not self.next.closes and not self.plan_needed and workflow.all_handlers_finished()
        if long and idle:
            workflow.continue_as_new(
                DunningRun(
                    case=self.case,
                    revision=self.revision,
                    next=self.next,
                    story=tuple(self.story[-50:]),
                    reports=tuple(self.reports),
                    reported=self.reported,
                )
            )

    def _recall(self, what: str) -> None:
        self.story.append(Told(at=f"{workflow.now():%Y-%m-%d %H:%M}Z", what=what))

    def _show(self) -> None:
        """Tells the story so far in the Web UI; costs no event."""
        lines = [f"- {told.at} {told.what}" for told in self.story[-30:]]
        workflow.set_current_details("\n".join([f"**Next: {_named(self.next)}**", "", *lines]))

    @workflow.signal(description="The facts have changed: a newer plan, or bare to make the run ask for one.")
    def wake(self, wake: Wake = Wake()) -> None:  # noqa: B008 - frozen, and a bare signal carries nothing
        """Takes over the plan that came with the news, the newest one only."""
        if wake.next is None:
            self.plan_needed = True
        elif wake.revision > self.revision:
            self._recall("the facts changed")
            self._adopt(Plan(revision=wake.revision, next=wake.next))

    @workflow.signal(description="The invoice was paid, in full or in part (amount, received_on, reference).")
    def mark_paid(self, note: PaymentNote = PaymentNote()) -> None:  # noqa: B008 - frozen, see above
        """Notes a payment; it is written to the ledger before anything is acted upon."""
        self.reported += 1
        reference = note.reference or f"{workflow.info().first_execution_run_id}#{self.reported}"
        self.reports.append(note.model_copy(update={"reference": reference}))

    @workflow.query(description="Where the case stands: the next action and the story so far.")
    def state(self) -> CaseState:
        """Shows where the case stands."""
        return CaseState(case=self.case, revision=self.revision, next=self.next, story=tuple(self.story))

    @workflow.update(description="Suspend dunning until a day, inclusive; it resumes by itself.")
    async def hold(self, order: OperatorOrder) -> CaseState:
        """Suspends dunning until a day, inclusive."""
        return await self._obey(Verb.HOLD, order)

    @hold.validator
    def _may_hold(self, order: OperatorOrder) -> None:
        self._must_be_open()
        if order.until is None:
            _refuse("a hold needs its last day: give `until`")
        elif order.until < workflow.now().date() - timedelta(days=1):
            _refuse(f"until {order.until} lies in the past")
        elif order.until > workflow.now().date() + LONGEST_HOLD:
            _refuse(f"until {order.until} is too far: a hold lasts {LONGEST_HOLD.days} days at most")

    @workflow.update(description="Lift every hold on this invoice.")
    async def resume(self, order: OperatorOrder) -> CaseState:
        """Lifts every hold on this invoice."""
        return await self._obey(Verb.RESUME, order)

    @resume.validator
    def _may_resume(self, order: OperatorOrder) -> None:
        del order
        self._must_be_open()

    @workflow.update(description="Skip the next step; needs a note with the reason.")
    async def skip(self, order: OperatorOrder) -> CaseState:
        """Skips the next step; the following one keeps its spacing."""
        return await self._obey(Verb.SKIP, order)

    @skip.validator
    def _may_skip(self, order: OperatorOrder) -> None:
        self._must_be_next(order)
        if not order.note:
            _refuse("skipping a step needs a reason: write a note and give its id as `note`")

    @workflow.update(description="Take the next step at once, within the sending window.")
    async def send_now(self, order: OperatorOrder) -> CaseState:
        """Takes the next step as soon as the sending window allows."""
        return await self._obey(Verb.SEND_NOW, order)

    @send_now.validator
    def _may_send_now(self, order: OperatorOrder) -> None:
        self._must_be_next(order)

    @workflow.update(description="Approve a step that waits for a person.")
    async def approve(self, order: OperatorOrder) -> CaseState:
        """Approves a step that waits for a person."""
        return await self._obey(Verb.APPROVE, order)

    @approve.validator
    def _may_approve(self, order: OperatorOrder) -> None:
        del order
        self._must_be_open()

    def _must_be_open(self) -> None:
        if self.next.closes:
            _refuse(f"the case is closed ({self.next.ending})")

    def _must_be_next(self, order: OperatorOrder) -> None:
        self._must_be_open()
        if order.step is not None and self.next.step is not None and order.step != self.next.step:
            _refuse(f"step {order.step!r} is not next; {self.next.step!r} is")

    async def _obey(self, verb: Verb, order: OperatorOrder) -> CaseState:
        """Has the order written to the ledger, and takes over the plan that follows from it."""
        command = OperatorCommand(
            case=self.case,
            verb=verb,
            order=order.model_copy(update={"step": order.step or self.next.step}),
            as_of=workflow.now(),
        )
        asked_at = self.revision
        plan = await workflow.execute_activity_method(
            Ledger.obey,
            command,
            start_to_close_timeout=ATTEMPT,
            retry_policy=PATIENT,
            summary=f"operator: {verb}",
        )
        self._recall(f"operator: {verb}")
        self._heed(plan, asked_at)
        return self.state()


def _refuse(why: str) -> None:
    raise ApplicationError(why, type="NotAllowed", non_retryable=True)


def _named(action: NextAction) -> str:
    """Names an action for the Web UI."""
    if action.kind == "take" and action.at is not None:
        return f"{action.step} on {action.at:%Y-%m-%d %H:%M}Z"
    if action.kind == "wait":
        return f"a new fact ({action.because.rule})" if action.at is None else f"{action.at:%Y-%m-%d %H:%M}Z"
    return f"closed: {action.ending}"


def _reason(answer: GateAnswer) -> str:
    if answer.because is None or answer.outcome in {Outcome.SENT, Outcome.COVERED}:
        return ""
    return f" ({answer.because.rule})"
