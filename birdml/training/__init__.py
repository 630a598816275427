"""Excerpts, loss, optimiser, patience, checkpoints; knows no MLflow."""
