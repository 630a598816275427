"""Samples, excerpts and spectrograms."""
