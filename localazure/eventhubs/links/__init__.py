"""AMQP connections, sessions and links, and what is attached to them."""
