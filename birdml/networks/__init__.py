"""Networks from samples or metadata to logits, and what is taken out of them.

Letters in shapes: B batch, S samples, F frames, M mel bands, C classes, K attention channels,
T outputs over time, D metadata values.
"""
