"""AMQP 1.0: frames, performatives and messages, written and read."""
