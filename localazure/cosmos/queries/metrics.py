"""What a query tells about its own execution, when asked."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from localazure.cosmos.protocol.message import json_bytes
from localazure.cosmos.requests.call import Call
from localazure.cosmos.storage.page import Page


def add_metrics(call: Call, headers: dict[str, str], page: Page, used: Sequence[str]) -> None:
    """Add the headers for query metrics and index utilization that the request asked for.

    `used` are the index paths that led to the items.
    """
    if call.flag("x-ms-documentdb-populatequerymetrics"):
        headers["x-ms-documentdb-query-metrics"] = (
            f"totalExecutionTimeInMs=0.10;queryCompileTimeInMs=0.01;queryLogicalPlanBuildTimeInMs=0.01;"
            f"queryPhysicalPlanBuildTimeInMs=0.01;queryOptimizationTimeInMs=0.00;VMExecutionTimeInMs=0.05;"
            f"indexLookupTimeInMs=0.01;instructionCount={page.scanned};documentLoadTimeInMs=0.01;"
            f"systemFunctionExecuteTimeInMs=0.00;userFunctionExecuteTimeInMs=0.00;"
            f"retrievedDocumentCount={page.scanned};retrievedDocumentSize={page.loaded};"
            f"outputDocumentCount={page.count};outputDocumentSize={page.size};writeOutputTimeInMs=0.00;"
            f"indexUtilizationRatio={1.0 if page.scanned or page.count else 0.0:.2f}"
        )
    if call.flag("x-ms-cosmos-populateindexmetrics"):
        utilization = {
            "UtilizedSingleIndexes": [
                {
                    "FilterExpression": "",
                    "IndexSpec": path,
                    "FilterPreciseSet": True,
                    "IndexPreciseSet": True,
                    "IndexImpactScore": "High",
                }
                for path in used
            ],
            "PotentialSingleIndexes": [],
            "UtilizedCompositeIndexes": [],
            "PotentialCompositeIndexes": [],
        }
        headers["x-ms-cosmos-index-utilization"] = base64.b64encode(json_bytes(utilization)).decode()
