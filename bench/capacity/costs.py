"""What a plan costs in euros a month."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bench.capacity.installation import Installation
from bench.capacity.settings import Assumptions

MONTH = 730 * 3600
"""Seconds."""


def monthly(
    given: Assumptions,
    installation: Installation,
    *,
    rate: float,
    events: float,
    units: Mapping[str, float],
    instances: int,
    throughput_units: int,
    month_bytes: float,
) -> dict[str, float]:
    """By part. Rates are per second; storage is what the month's commands cost for each month that they are kept."""
    hours, regions = MONTH / 3600, installation.regions(given)
    calls = rate * (1 + given.account_queries + given.statement_queries)
    millions = calls * MONTH / 1e6
    dollars = {
        "Cosmos DB, request units": (
            sum(units.values()) * MONTH / 1e6 * given.serverless_units
            if installation.serverless
            else installation.billed(units, given) / 100 * hours * given.autoscale_units * regions
        ),
        "Cosmos DB, storage": month_bytes / 1e9 * given.storage * regions,
        "Event Hubs": throughput_units * hours * given.throughput_unit + events * MONTH / 1e6 * given.ingress,
        "Functions": instances * installation.instance_gb * MONTH * given.compute + millions * given.executions,
        "API Management": (
            max(installation.gateway_units, math.ceil(calls / given.gateway_rate)) * given.gateway_unit
            if installation.gateway_units
            else millions * given.gateway_calls
        ),
        "telemetry": min(calls, given.telemetry_rate * instances) * given.telemetry_bytes * MONTH / 1e9 * given.logs,
    }
    return {name: value * given.eur_per_usd for name, value in dollars.items()}
