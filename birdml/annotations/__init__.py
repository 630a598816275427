"""Marks in time: what people annotated and what any tool detected, read into one form."""
