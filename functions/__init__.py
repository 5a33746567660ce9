"""The HTTP apps (commands, queries), their settings, authentication and wiring, and the Azure Functions app."""
