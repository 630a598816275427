"""Runs, arrays and the registry in MLflow."""
