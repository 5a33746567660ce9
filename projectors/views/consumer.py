"""One generation of one view, as a consumer of the feed."""

from concurrent.futures import Executor
from dataclasses import dataclass

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.consumer import Handler
from projectors.container import Gateway
from projectors.generations.generation import consumer_name
from projectors.leases.lease import Lease
from projectors.views.streams.projector import StreamProjector
from projectors.views.streams.view import StreamView
from projectors.views.sums.projector import SumProjector
from projectors.views.sums.view import SumView
from projectors.views.view import View


@dataclass(frozen=True)
class ViewConsumer:
    """Keeps `view` at `generation` up to date. `park` False raises PoisonEvent for what the view cannot apply."""

    view: View
    generation: int
    views: Gateway
    history: History
    mapper: Mapper[str]
    executor: Executor | None = None
    park: bool = True
    max_pending: int = 20_000

    @property
    def name(self) -> str:
        return consumer_name(self.view.name, self.generation)

    def open(self, lease: Lease) -> Handler:
        if isinstance(self.view, SumView):
            return SumProjector(self.view, self.generation, lease, views=self.views, mapper=self.mapper, park=self.park)
        if not isinstance(self.view, StreamView):
            raise TypeError(f"{self.view.name} is neither a StreamView nor a SumView")
        return StreamProjector(
            self.view,
            self.generation,
            views=self.views,
            history=self.history,
            mapper=self.mapper,
            executor=self.executor,
            park=self.park,
            max_pending=self.max_pending,
        )
