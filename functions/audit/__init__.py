"""The audit over HTTP: pages for people under /audit, the same as JSON under /audit/data."""

from fastapi import FastAPI

from functions.audit import data, pages
from functions.audit.dependencies import AuditDesk, open_desk

__all__ = ["AuditDesk", "install", "open_desk"]


def install(app: FastAPI, desk: AuditDesk) -> None:
    """Add the audit to an app that answers queries."""
    app.state.audit = desk
    for router in (data.router, pages.assets, pages.router):
        app.include_router(router)
