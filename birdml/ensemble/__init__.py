"""Weights for the members, and the one model that ships."""
