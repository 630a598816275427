"""Who does what was asked: this process, several, or a cluster; and one model in its run."""
