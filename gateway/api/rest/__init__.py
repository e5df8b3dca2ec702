"""REST: one file a noun, and the table of routes that serves requests and makes OpenAPI."""
