"""From the log to everything made of it: views, and whatever else consumes the change feed.

`Worker` runs consumers, `ViewReader` reads views, `Views` are those that an installation keeps. A view is a
`StreamView`; any other consumer, such as a relay, is a `PageConsumer` or a `Consumer` of one's own.
"""

from projectors.consumer import Consumer, Handler, PageConsumer
from projectors.errors import ProjectionError
from projectors.processor.worker import Visit, Worker
from projectors.settings import WorkerSettings
from projectors.views.catalog import Views
from projectors.views.reader import Item, Items, ViewReader
from projectors.views.streams.view import Change, StreamView
from projectors.views.view import on

__all__ = [
    "Change",
    "Consumer",
    "Handler",
    "Item",
    "Items",
    "PageConsumer",
    "ProjectionError",
    "StreamView",
    "ViewReader",
    "Views",
    "Visit",
    "Worker",
    "WorkerSettings",
    "on",
]
