"""What each entry point does: the science below it, and what MLflow keeps of it."""
