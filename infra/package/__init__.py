"""Building what is deployed to Azure Functions, and proving it. Not part of what is deployed."""
