"""Exports of the log, and their verification far from it."""
