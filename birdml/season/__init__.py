"""A season of recordings: what was heard where and when, and how long it was listened."""
