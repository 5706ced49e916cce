"""Logs and metrics: one line per event on standard error, with its ids and without personal data.

In: the set-up of structlog and of the standard library's logging, redaction, the ids of Temporal,
    the telemetry of Temporal's core.
Not in: the logger of workflow code (workflows/logs.py), and what is logged where.

Standard output belongs to the commands: nothing is ever logged there.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars
from structlog.typing import EventDict, Processor
from temporalio import activity, workflow
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from config.settings import LogFormat, Settings
from domain.actions import CaseRef

CORE = "temporalio.core"
TALKATIVE = {
    "aiosqlite": logging.WARNING,
    "alembic.runtime.migration": logging.WARNING,
    "mail.debug": logging.WARNING,
    "mail.log": logging.WARNING,  # prints the addresses of each message
}

PERSONAL = frozenset(
    {
        *("name", "names", "legal_name", "signatory", "contact", "contacts", "sender"),
        *("address", "addresses", "street", "city", "phone", "phones"),
        *("mail", "email", "emails", "recipient", "recipients", "reply_to"),
        *("subject", "body", "text", "html"),
        *("iban", "bic", "password", "secret", "token"),
    }
)
"""Keys that carry, or may carry, a name, an address, a text or a secret; also as the last word of a key."""

EMAIL = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+\.[A-Za-z]{2,}")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
IBAN_MODULUS = 97
PARAMETERS = re.compile(r"^\[parameters: .*\]$", re.MULTILINE)
INPUT = re.compile(r"input_value=.*?(?=, input_type=)", re.DOTALL)
REMOVED = "[removed]"

IDS = ("workflow_id", "run_id", "workflow_type", "activity_type", "attempt", "update_id", "update_name")
NOISE = ("temporal_log", "workflow_info", "activity_info", "color_message", "taskName")


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Drops the keys that may carry personal data, at any depth, and scrubs what texts still hold."""
    return {key: _scrubbed(value) for key, value in event.items() if not _is_personal(key)}


def _is_personal(key: object) -> bool:
    word = str(key).lower()
    return word in PERSONAL or word.rpartition("_")[2] in PERSONAL


def _scrubbed(value: Any) -> Any:
    match value:
        case str():
            for pattern in (PARAMETERS, INPUT, EMAIL):
                value = pattern.sub(REMOVED, value)
            return IBAN.sub(_unless_invoice, value)
        case Mapping():
            return {key: _scrubbed(inner) for key, inner in value.items() if not _is_personal(key)}
        case list() | tuple() | set() | frozenset():
            return [_scrubbed(inner) for inner in value]
        case int() | float() | None:
            return value
        case _:
            return _scrubbed(str(value))


def _unless_invoice(found: re.Match[str]) -> str:
    """Removes what passes the checksum of an IBAN; an invoice number of the same shape stays."""
    plain = found[0].replace(" ", "")
    digits = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return REMOVED if int(digits) % IBAN_MODULUS == 1 else found[0]


def temporal_ids(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Lifts Temporal's ids to the top of the line, and names the creditor and the invoice they are about."""
    for key in ("temporal_workflow", "temporal_activity"):
        details = event.pop(key, None) or {}
        for name in IDS:
            if name in details:
                event.setdefault(name, details[name])
    for key in NOISE:
        event.pop(key, None)
    if "invoice" not in event and "workflow_id" in event:
        event.update(_case(event["workflow_id"]))
    return event


def _case(workflow_id: str) -> dict[str, str]:
    try:
        case = CaseRef.from_workflow_id(workflow_id)
    except ValueError:  # another kind of workflow
        return {}
    return {"creditor": case.creditor, "invoice": case.number}


def configure(log_format: LogFormat, level: str) -> None:
    """Routes every line of this process, ours and the libraries', through one renderer to standard error."""
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *first,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*first, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                temporal_ids,
                structlog.processors.format_exc_info,
                redact,
                _renderer(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, least in TALKATIVE.items():
        logging.getLogger(name).setLevel(least)
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False


def _renderer(log_format: LogFormat) -> Processor:
    if log_format is LogFormat.TEXT or (log_format is LogFormat.AUTO and sys.stderr.isatty()):
        return structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def telemetry(settings: Settings) -> Runtime:
    """Builds Temporal's runtime: its logs join ours, its metrics are served where the settings say.

    A runtime owns threads: build one per process, before the first client.
    """
    metrics = (
        PrometheusConfig(
            bind_address=settings.metrics_bind,
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
        )
        if settings.metrics_bind
        else None
    )
    forwarding = LogForwardingConfig(
        logger=logging.getLogger(CORE), append_target_to_name=False, prepend_target_on_message=False
    )
    return Runtime(
        telemetry=TelemetryConfig(
            metrics=metrics,
            global_tags={"service": "relance"},
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding
            ),
        )
    )


class LogContext(Interceptor):
    """Binds the ids of the running activity to every line that is logged on its behalf."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Puts the binding around each activity."""
        return _BoundActivity(next)


class _BoundActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - Temporal's name
        """Runs the activity with its ids bound; contextvars follow it into threads and tasks."""
        info = activity.info()
        ids: dict[str, Any] = {"activity_type": info.activity_type, "attempt": info.attempt}
        if info.workflow_id is not None:
            ids |= {"workflow_id": info.workflow_id, "run_id": info.workflow_run_id}
            ids |= _case(info.workflow_id)
        with bound_contextvars(**ids):
            return await super().execute_activity(input)
