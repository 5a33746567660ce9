from devkit.cosmos.sql.functions.function import Function

FUNCTIONS: dict[str, Function] = {}
