"""What is installed and started: the wheel, the set-up and the launcher, on a cluster too."""
