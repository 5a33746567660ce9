"""How the ledger's processes are driven: environment variables `PROCESSES_…`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """Seconds, unless said otherwise.

    PROCESSES_PARALLEL       transfers, or expired holds, at a time; 0 takes one after the other, with no thread
    PROCESSES_EVERY          how often the watchdog looks around
    PROCESSES_RESUME_AFTER   age at which a transfer that has not ended is looked after by the watchdog
    PROCESSES_GIVE_UP_AFTER  age at which the watchdog gives up a transfer that it cannot bring to its end
    """

    model_config = SettingsConfigDict(env_prefix="PROCESSES_", frozen=True)

    parallel: Annotated[int, Field(ge=0, le=256)] = 8
    every: Annotated[float, Field(gt=0)] = 10.0
    resume_after: Annotated[float, Field(ge=0)] = 60.0
    give_up_after: Annotated[float, Field(gt=0)] = 86_400.0
