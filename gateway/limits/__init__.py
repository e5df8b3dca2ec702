"""What is counted across processes, in Redis; while that is away, in each process for its part."""
