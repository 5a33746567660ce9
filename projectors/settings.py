"""How a worker works: environment variables `WORKER_…`."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from projectors.throughput.pulse import SILENCE


class WorkerSettings(BaseSettings):
    """Seconds, unless said otherwise.

    WORKER_LEASE           how long a lease lasts without renewal; a worker that died is replaced after that
    WORKER_SILENCE         how long a range at work may hear nothing from the store; then it hangs: its lease is not
                           renewed any more, and `tidemark work` ends for its host to start it again
    WORKER_REFRESH         how often leases and generations are looked at
    WORKER_IDLE_MIN, _MAX  polling of a feed that is caught up backs off between these
    WORKER_LINGER          while events trickle in, pages are read at growing intervals up to this one: a page costs
                           nearly the same for one event as for a hundred. The first event after a silence never waits
    WORKER_RETRY_MIN, _MAX a failing consumer is tried again between these
    WORKER_FLUSH           how long full pages are folded in memory before they are written
    WORKER_PAGE            documents per page of the feed
    WORKER_PENDING         documents that may wait in memory to be written
    WORKER_PARALLEL        requests at a time beside those of the ranges; 0 sends one after the other, with no thread
    """

    model_config = SettingsConfigDict(env_prefix="WORKER_", frozen=True)

    lease: float = 30.0
    silence: float = SILENCE
    refresh: float = 2.0
    idle_min: float = 0.02
    idle_max: float = 1.0
    linger: float = 0.1
    retry_min: float = 0.1
    retry_max: float = 30.0
    flush: float = 1.0
    page: int = 1000
    pending: int = 20_000
    parallel: int = 8
