"""Info answers kept for a while: in Redis for many processes, or in memory for one."""
