"""The work of `train`: what was asked, who does which part of it, and one model in its run."""
