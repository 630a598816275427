"""Figures: what a model learned and where it fails. Pure matplotlib, without MLflow."""
