"""Trained models side by side: how sure a figure is, what a setting is worth, who agrees."""
