"""Settings from the environment: read whole, or refused in one line that names every variable that is wrong."""

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from eventstore.errors import SettingsError

__all__ = ["load", "variable"]

S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S], **values: Any) -> S:
    """Read `kind` from the environment, `values` first.

    Raises:
        SettingsError: one line for all that is wrong, each part with its variable's name.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(kind, fault["loc"], fault["msg"]) for fault in error.errors())) from None


def variable(settings: BaseSettings | type[BaseSettings], name: str) -> str:
    """The environment variable that a setting comes from."""
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()


def _explain(kind: type[BaseSettings], location: tuple[int | str, ...], message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    return f"{variable(kind, str(location[0]))}: {message[0].lower()}{message[1:]}"
