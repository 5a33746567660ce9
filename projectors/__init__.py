"""From the log to everything made of it: views, and whatever else consumes the change feed.

`Worker` runs consumers, `ViewReader` reads views, `VIEWS` are the views that there are. A view is a `StreamView`; any
other consumer, such as a relay, is a `PageConsumer` or a `Consumer` of one's own.
"""

from projectors.consumer import Consumer, Handler, PageConsumer
from projectors.errors import ProjectionError
from projectors.reader import Item, Items, ViewReader
from projectors.settings import WorkerSettings
from projectors.view import Change, StreamView, on
from projectors.views import VIEWS
from projectors.worker import Visit, Worker

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
