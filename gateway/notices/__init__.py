"""The port Notices: within one process, and among several through Redis pub/sub."""
