"""The deployment that workers belong to: which of its builds gets the work.

In: what a worker is told, reading and setting the current build, the sentence for a build that gets nothing.
Not in: the command (terminal/deploying.py), and what may change between builds (docs/versions.md).

Without settings workers are unversioned, and changed commands are patched. With `deployment_name` and
`build_id` the server gives work to the current build alone: a build that nobody made current never gets any.
Every run moves to the current build at its next task (AUTO_UPGRADE): it lives for months, a build does not.
"""

import asyncio
from collections.abc import Iterable, Mapping

from temporalio.api.enums.v1 import TaskQueueType, WorkerDeploymentVersionStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from config.settings import Settings
from domain.fact import Fact
from domain.faults import NotAllowed, NotFound, Unavailable
from workflows.ports import gate_queue

UNVERSIONED = "__unversioned__"
PATIENCE_SECONDS = 10.0
STATUS = "WORKER_DEPLOYMENT_VERSION_STATUS_"
VERSIONED = 2
"""The mode of a worker that is given the work of its build alone (WorkerVersioningMode)."""


class Build(Fact):
    """States one build: its status as the server calls it, and on which queues workers of it ask for work."""

    id: str
    status: str
    polls: tuple[str, ...] = ()


class Deployment(Fact):
    """States a deployment: its builds, and which one gets the work; none where unversioned workers get it."""

    name: str
    current: str | None
    builds: tuple[Build, ...]


def deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """Says to which build a worker belongs; None where workers are unversioned."""
    if settings.deployment_name is None or settings.build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment_name, settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def look_up(client: Client, name: str, task_queue: str) -> Deployment:
    """Reads a deployment; raises NotFound where no worker of it has ever asked for work."""
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=name)
    try:
        answer = await client.workflow_service.describe_worker_deployment(request)
    except RPCError as fault:
        raise _meaning(fault, name, None) from fault
    polls = await _polls(client, name, (task_queue, gate_queue(task_queue)))
    info = answer.worker_deployment_info
    return Deployment(
        name=name,
        current=info.routing_config.current_deployment_version.build_id or None,
        builds=tuple(
            Build(
                id=one.deployment_version.build_id,
                status=WorkerDeploymentVersionStatus.Name(one.status).removeprefix(STATUS).lower(),
                polls=tuple(polls.get(one.deployment_version.build_id, ())),
            )
            for one in info.version_summaries
        ),
    )


async def _polls(client: Client, name: str, queues: Iterable[str]) -> Mapping[str, list[str]]:
    """Finds on which queues each build asks for work."""
    found: dict[str, list[str]] = {}
    for queue in queues:
        for kind in (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY):
            request = DescribeTaskQueueRequest(
                namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
            )
            try:
                answer = await client.workflow_service.describe_task_queue(request)
            except RPCError as fault:
                raise _meaning(fault, name, None) from fault
            for poller in answer.pollers:
                told = poller.deployment_options
                if (told.deployment_name, told.worker_versioning_mode) == (name, VERSIONED):
                    queues_of = found.setdefault(told.build_id, [])
                    if queue not in queues_of:
                        queues_of.append(queue)
    return found


async def make_current(
    client: Client, name: str, build: str | None, *, patience: float = PATIENCE_SECONDS
) -> None:
    """Gives the work to a build, or to unversioned workers with None.

    Where its workers have just started, the server may not know all of their queues yet: it is asked again
    for so many seconds. Raises NotFound for a build of which no worker has asked for work, NotAllowed where
    the server refuses, for instance a build that leaves a queue of the present one without workers.
    """
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=name, build_id=build or "", identity="relance"
    )
    patient_until = asyncio.get_running_loop().time() + patience
    while True:
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as fault:
            early = fault.status is RPCStatusCode.FAILED_PRECONDITION
            if not early or asyncio.get_running_loop().time() > patient_until:
                raise _meaning(fault, name, build) from fault
        else:
            return
        await asyncio.sleep(0.5)


def _meaning(fault: RPCError, name: str, build: str | None) -> NotFound | NotAllowed | Unavailable:
    """Says what a refusal of the server means, and what to do."""
    match fault.status:
        case RPCStatusCode.NOT_FOUND:
            whom = f"build {build} of deployment {name}" if build else f"deployment {name}"
            return NotFound(
                f"no worker of {whom} has asked for work yet: start one with RELANCE_DEPLOYMENT_NAME={name} "
                f"and RELANCE_BUILD_ID={build or 'its release'}, then try again"
            )
        case RPCStatusCode.FAILED_PRECONDITION | RPCStatusCode.INVALID_ARGUMENT:
            return NotAllowed(f"Temporal refuses: {fault.message}")
        case RPCStatusCode.UNIMPLEMENTED:
            return NotAllowed(
                "this Temporal server knows no worker deployments: run workers without RELANCE_BUILD_ID, "
                "or upgrade the server"
            )
        case _:
            return Unavailable(f"Temporal does not answer ({fault.status.name.lower()}): {fault.message}")


async def without_work(client: Client, settings: Settings) -> str | None:
    """Says that the settings' build gets no work; None where it does, and where workers have no build."""
    name, build = settings.deployment_name, settings.build_id
    if name is None or build is None:
        return None
    try:
        found = await look_up(client, name, settings.task_queue)
    except NotFound:
        found = None
    return idle_build(found, name, build)


def idle_build(found: Deployment | None, name: str, build: str) -> str | None:
    """Says that a build gets no work, and what to do about it; None where all is well."""
    if found is not None and found.current == build:
        return None
    now = f"build {found.current} does" if found is not None and found.current else "unversioned workers do"
    return (
        f"build {build} of deployment {name} gets no work, {now}: no reminder leaves by it. "
        f"Make it current: starter.py deploy {build}"
    )
