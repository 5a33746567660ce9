"""Figures of the replay."""
