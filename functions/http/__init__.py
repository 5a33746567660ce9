"""HTTP, for commands and queries alike: bodies, problems, callers, documents."""

from functions.http.auth import require
from functions.http.dependencies import Injected
from functions.http.fields import Body, Identifier, Text
from functions.http.problems import Problem

__all__ = ["Body", "Identifier", "Injected", "Problem", "Text", "require"]
