"""From logits to the challenge's files, and from such files to the organisers' scores."""
