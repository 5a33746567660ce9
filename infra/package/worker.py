"""Runs an unpacked function app with the code of the real Python worker (azure-functions-runtime), without a host.

    python worker.py FOLDER < plan.json > results.json

The plan is a list of invocations: {"function": name, "http": {"method", "url", "headers", "body"}} for HTTP, or
{"function": name, "json": text} for triggers. The results are {"functions": {name: [binding types]}, "results": [{"ok",
"status"?, "headers"?, "body"?, "error"?}]}. What the host and the worker say to each other by gRPC are plain objects
here. Runs on the interpreter of the function app; imports nothing of Tidemark but through the app itself.
"""

import asyncio
import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

__all__ = ["main"]

Plan = list[dict[str, Any]]


class _Messages:
    """Makes any message of the worker's protocol, and knows the constants that it compares with."""

    StatusResult: Any
    BindingInfo: Any

    def __getattr__(self, name: str) -> Any:
        return type(name, (SimpleNamespace,), {"Success": 1, "Failure": 0, "out": 1, "inout": 2, "undefined": 0})


class _OneOf(SimpleNamespace):
    """A message that holds one of several fields, and says which."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - the protocol's name
        return next(iter(vars(self)), None)


def _typed(kind: str, value: Any) -> _OneOf:
    return _OneOf(**{kind: value})


def _input(call: Mapping[str, Any]) -> _OneOf:
    if "http" not in call:
        return _typed("json", call["json"])
    http = call["http"]
    body = _typed("bytes", http.get("body", "").encode())
    empty: dict[str, str] = {}
    return _typed(
        "http",
        SimpleNamespace(
            method=http["method"],
            url=http["url"],
            headers=http.get("headers", empty),
            params=empty,
            query=empty,
            body=body,
        ),
    )


async def _run(folder: Path, plan: Plan) -> dict[str, Any]:
    runtime: Any = importlib.import_module("azure_functions_runtime")  # there from Python 3.13 on

    init = SimpleNamespace(function_app_directory=str(folder), capabilities={})
    answer = await runtime.worker_init_request(
        SimpleNamespace(
            request=SimpleNamespace(worker_init_request=init),
            properties={"host": "127.0.0.1", "protos": _Messages()},
        )
    )
    if answer.result.status != 1:
        return {"functions": {}, "results": [], "error": answer.result.exception.message}
    metadata = (await runtime.functions_metadata_request(None)).function_metadata_results or []
    by_name = {function.name: function for function in metadata}
    runtime.start_threadpool_executor()
    try:
        results = [await _invoke(runtime, by_name[call["function"]], call) for call in plan]
    finally:
        runtime.stop_threadpool_executor()
    bindings = {name: sorted(binding.type for binding in f.bindings.values()) for name, f in by_name.items()}
    return {"functions": bindings, "results": results}


async def _invoke(runtime: Any, function: Any, call: Mapping[str, Any]) -> dict[str, Any]:
    parameter = next(name for name, binding in function.bindings.items() if binding.type.endswith("Trigger"))
    data = SimpleNamespace(name=parameter, data=_input(call), WhichOneof=lambda _group: "data")
    invocation = SimpleNamespace(
        invocation_id="00000000-0000-0000-0000-000000000000",
        function_id=function.function_id,
        input_data=[data],
        trigger_metadata={},
        trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
    answer = await runtime.invocation_request(SimpleNamespace(request=SimpleNamespace(invocation_request=invocation)))
    if answer.result.status != 1:
        return {"ok": False, "error": answer.result.exception.message}
    if getattr(answer, "return_value", None) is None:
        return {"ok": True}
    http = answer.return_value.http
    body = http.body.bytes.decode() if hasattr(http.body, "bytes") else http.body.string
    return {"ok": True, "status": int(http.status_code), "headers": http.headers, "body": body}


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    sys.path[:0] = [str(folder), str(folder / ".python_packages" / "lib" / "site-packages")]
    results = asyncio.run(_run(folder, json.load(sys.stdin)))
    sys.stdout.write("\n" + json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
