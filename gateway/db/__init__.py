"""The registry: our own data, in SQLite or PostgreSQL. The only package that imports SQLAlchemy."""
