"""Two policies beside one another: which steps answer one another, and in what they differ.

In: pairs of steps with what differs, the rules that hold for all steps and differ.
Not in: moving a case from one to the other (succession.py), words for people (console/).
"""

from domain.fact import Fact
from domain.policy import Anchor, DunningPolicy, DunningStep

OF_STEPS = (
    *("anchor", "offset_days", "channel", "fallback", "tone", "message", "title", "roll", "required"),
    *("approval", "payment_period_days", "when", "owner"),
)
OF_POLICIES = (*("languages", "minimum", "spacing_days", "catch_up", "roll", "tone_memory_days", "window"),)


class Pair(Fact):
    """Sets a step of one policy beside the one that answers it in another; None where none does.

    `differs` names the fields that are not the same.
    """

    left: DunningStep | None
    right: DunningStep | None
    differs: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Tells whether both policies have the step, alike in everything."""
        return self.left is not None and self.right is not None and not self.differs


def pairs(left: DunningPolicy, right: DunningPolicy) -> tuple[Pair, ...]:
    """Sets the steps of two policies side by side: by their keys first, then by their days."""
    partner = {step.key: step for step in right.steps if step.key in {one.key for one in left.steps}}
    free = {_day(step): step for step in right.steps if step.key not in partner}
    found: list[Pair] = []
    for step in left.steps:
        other = partner.get(step.key) or free.pop(_day(step), None)
        found.append(_pair(step, left, other, right))
    found += [Pair(left=None, right=step) for step in free.values()]
    return tuple(sorted(found, key=lambda one: _place(one.left or one.right)))


def rules_differing(left: DunningPolicy, right: DunningPolicy) -> tuple[str, ...]:
    """Names the rules for all steps that are not the same."""
    return tuple(name for name in OF_POLICIES if getattr(left, name) != getattr(right, name))


def _pair(step: DunningStep, left: DunningPolicy, other: DunningStep | None, right: DunningPolicy) -> Pair:
    if other is None:
        return Pair(left=step, right=None)
    mine, theirs = _facts(step, left), _facts(other, right)
    return Pair(
        left=step, right=other, differs=tuple(name for name in OF_STEPS if mine[name] != theirs[name])
    )


def _facts(step: DunningStep, policy: DunningPolicy) -> dict[str, object]:
    """Gives a step's fields as they take effect: what it leaves open its policy decides."""
    effective = {"roll": step.roll or policy.roll, "required": policy.must_take(step)}
    return dict(step) | effective


def _day(step: DunningStep) -> tuple[Anchor, int]:
    return step.anchor, step.offset_days


def _place(step: DunningStep | None) -> tuple[bool, int]:
    assert step is not None
    return step.anchor is Anchor.DUE, step.offset_days
