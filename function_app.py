"""The Azure Functions app. Lies at the root of what is deployed; TIDEMARK_ROLE decides what it is."""

import azure.functions as func

from functions.hosting.azure import register
from functions.settings import Settings, load

app = func.FunctionApp()

register(app, load(Settings))
