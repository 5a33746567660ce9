"""The account: where a client learns which endpoint serves it and with which guarantees."""

from __future__ import annotations

from localazure.cosmos.protocol.errors import MethodNotAllowed
from localazure.cosmos.protocol.message import Response, json_bytes
from localazure.cosmos.requests.call import Call
from localazure.cosmos.storage import charges

LEVEL = "Session"
"""The default consistency level, which no request may exceed."""
_REGION = "Local"
_QUERY_ENGINE = (
    '{"maxSqlQueryInputLength":262144,"maxJoinsPerSqlQuery":5,"maxLogicalAndPerSqlQuery":500,'
    '"maxLogicalOrPerSqlQuery":500,"maxUdfRefPerSqlQuery":10,"maxInExpressionItemsCount":16000,'
    '"queryMaxInMemorySortDocumentCount":500,"maxQueryRequestTimeoutFraction":0.9,"sqlAllowNonFiniteNumbers":false,'
    '"sqlAllowAggregateFunctions":true,"sqlAllowSubQuery":true,"sqlAllowScalarSubQuery":true,"allowNewKeywords":true,'
    '"sqlAllowLike":true,"sqlAllowGroupByClause":true,"maxSpatialQueryCells":12,"spatialMaxGeometryPointCount":256,'
    '"sqlDisableOptimizationFlags":0,"sqlAllowTop":true,"enableSpatialIndexing":true}'
)


class Account:
    """Answers `GET /`."""

    def handle(self, call: Call) -> Response:
        """One region, reads and writes, session consistency."""
        if call.request.method != "GET":
            raise MethodNotAllowed("The account can only be read.")
        call.charge = charges.METADATA_READ
        location = [{"name": _REGION, "databaseAccountEndpoint": call.request.base_url}]
        body = {
            "_self": "",
            "id": "tidemark-local",
            "_rid": "tidemark-local",
            "media": "//media/",
            "addresses": "//addresses/",
            "_dbs": "//dbs/",
            "writableLocations": location,
            "readableLocations": location,
            "enableMultipleWriteLocations": False,
            "continuousBackupEnabled": True,
            "enablePerPartitionFailoverBehavior": False,
            "userReplicationPolicy": {"asyncReplication": False, "minReplicaSetSize": 1, "maxReplicasetSize": 4},
            "userConsistencyPolicy": {"defaultConsistencyLevel": LEVEL},
            "systemReplicationPolicy": {"minReplicaSetSize": 1, "maxReplicasetSize": 4},
            "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
            "queryEngineConfiguration": _QUERY_ENGINE,
        }
        return Response(200, json_bytes(body))
