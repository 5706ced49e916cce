"""The way to the Temporal server, the same for the worker, the command line and the tests.

In: connecting by profile file and TEMPORAL_* variables, with the converter that reads our models; the page of
    a run in the Web UI.
Not in: workers (worker.py) and what is sent (relay.py).
"""

import asyncio
from functools import cache
from typing import Any
from urllib.parse import quote

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from domain.faults import ConfigurationFault, Unavailable

LOCAL = "127.0.0.1:7233"


def _options() -> dict[str, Any]:
    try:
        return dict(ClientConfig.load_client_connect_config())
    except (RuntimeError, ValueError) as error:
        msg = f"the Temporal profile cannot be read: {error}; check TEMPORAL_CONFIG_FILE and TEMPORAL_PROFILE"
        raise ConfigurationFault(msg) from error


@cache
def namespace() -> str:
    """Names the namespace that the environment chooses; raises ConfigurationFault as `connect` does."""
    return str(_options().get("namespace") or "default")


def page_of(web_ui: str, workflow: str) -> str:
    """Gives the address of a run in the Web UI."""
    return f"{web_ui}/namespaces/{quote(namespace(), safe='')}/workflows/{quote(workflow, safe='')}"


async def connect(*, runtime: Runtime | None = None, patience: float = 10.0) -> Client:
    """Connects to the server that the environment names; this machine's own where it names none.

    A local server, a self-hosted cluster and Temporal Cloud differ by TEMPORAL_ADDRESS,
    TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* or a profile file alone. `patience` is in
    seconds. Raises ConfigurationFault for a profile that cannot be read, Unavailable for a silent server.
    """
    options = _options()
    options.setdefault("target_host", LOCAL)
    if runtime is not None:
        options["runtime"] = runtime
    address = options["target_host"]
    try:
        return await asyncio.wait_for(
            Client.connect(**options, data_converter=pydantic_data_converter), patience
        )
    except (RuntimeError, RPCError, TimeoutError, OSError) as error:
        msg = f"Temporal does not answer at {address}: start it (make up) or set TEMPORAL_ADDRESS"
        raise Unavailable(msg) from error
