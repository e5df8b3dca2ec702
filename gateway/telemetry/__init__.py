"""What operators see: logs without secrets, and numbers."""
