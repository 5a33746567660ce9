"""From the log to everything made of it: views, and whatever else consumes the change feed.

`Worker` runs consumers, `ViewReader` reads views, `VIEWS` are the views that there are. A view is a `StreamView`; any
other consumer, such as a relay, is a `PageConsumer` or a `Consumer` of one's own.
"""

from projectors.consumer import Consumer, Handler, PageConsumer
from projectors.errors import ProjectionError
from projectors.ledger import VIEWS
from projectors.processor.worker import Visit, Worker
from projectors.settings import WorkerSettings
from projectors.views.reader import Item, Items, ViewReader
from projectors.views.streams.view import Change, StreamView
from projectors.views.view import on

__all__ = [
    "VIEWS",
    "Change",
    "Consumer",
    "Handler",
    "Item",
    "Items",
    "PageConsumer",
    "ProjectionError",
    "StreamView",
    "ViewReader",
    "Visit",
    "Worker",
    "WorkerSettings",
    "on",
]
