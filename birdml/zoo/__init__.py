"""The 37 models: what each is, in a few words, and what those words mean in full."""
