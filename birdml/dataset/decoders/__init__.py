"""The programs that decode audio files: libsndfile, and ffmpeg for what that does not read."""
