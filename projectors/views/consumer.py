"""One generation of one view, as a consumer of the feed."""

from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.consumer import Handler
from projectors.container import Container
from projectors.generations.generation import consumer_name
from projectors.leases.lease import Lease
from projectors.views.dead_letters import dead_letters_of
from projectors.views.resumption import Resumed, Resumption
from projectors.views.streams.projector import StreamProjector
from projectors.views.streams.view import StreamView
from projectors.views.sums.projector import SumProjector
from projectors.views.sums.refusals import Refusals
from projectors.views.sums.view import SumView
from projectors.views.view import View


@dataclass(frozen=True)
class ViewConsumer:
    """Keeps `view` at `generation` up to date. `park` False raises PoisonEvent for what the view cannot apply."""

    view: View
    generation: int
    views: Container
    history: History
    mapper: Mapper[str]
    executor: Executor | None = None
    park: bool = True
    max_pending: int = 20_000
    refusals: Refusals = field(default_factory=Refusals, compare=False, repr=False)

    @property
    def name(self) -> str:
        return consumer_name(self.view.name, self.generation)

    def open(self, lease: Lease) -> Handler:
        """A handler for a range, which first takes up what an older program did not know."""
        return Resumed(self._open(lease), self._resumption)

    @cached_property
    def _resumption(self) -> Resumption:
        drain = dead_letters_of(self.view, self.generation, views=self.views, history=self.history, mapper=self.mapper)
        return Resumption(self.view, self.generation, views=self.views, drain=drain)

    def _open(self, lease: Lease) -> Handler:
        if isinstance(self.view, SumView):
            return SumProjector(
                self.view,
                self.generation,
                lease,
                views=self.views,
                mapper=self.mapper,
                park=self.park,
                refusals=self.refusals,
            )
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
