"""Recordings on disk: from raw files of any layout to one prepared dataset."""
