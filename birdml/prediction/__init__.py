"""From a trained network to logits: of whole recordings, of windows, of every frame.

Letters in shapes: S samples, F frames, C classes, K attention channels, T outputs over time,
W windows, N rows of a split, D metadata values.
"""
