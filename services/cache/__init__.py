"""What was answered once: frames and values, shared through a folder or Redis."""
