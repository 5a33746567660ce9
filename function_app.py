"""The Azure Functions app. Lies at the root of what is deployed; TIDEMARK_ROLE decides what it is."""

import azure.functions as func

from eventstore.environment import load
from functions.hosting.azure import register
from functions.settings import Settings
from service import SERVICE

app = func.FunctionApp()

register(app, SERVICE, load(Settings))
