"""Pretrained encoders: what they are, how they run, how a recording becomes windows, embeddings
on disk, and the search in them."""
