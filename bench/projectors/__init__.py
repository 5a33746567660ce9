"""Figures of the projectors."""
