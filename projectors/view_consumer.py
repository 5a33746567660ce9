"""One generation of one view, as a consumer of the feed."""

from concurrent.futures import Executor
from dataclasses import dataclass

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.consumer import Handler
from projectors.gateway import Gateway
from projectors.lease import Lease
from projectors.stream_projector import StreamProjector
from projectors.sum_projector import SumProjector
from projectors.sum_view import SumView
from projectors.view import StreamView, View


def consumer_name(view: str, generation: int) -> str:
    """The name under which a generation keeps its positions."""
    return f"{view}@{generation}"


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
