"""Figures of the local servers."""
