"""Work that nobody asked for just now."""
