"""From logits to the probability that a species is there, thresholds by rule, and events."""
