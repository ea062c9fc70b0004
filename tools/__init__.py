"""What developers and users of the repository run besides the stages."""
