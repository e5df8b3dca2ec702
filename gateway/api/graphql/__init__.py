"""The GraphQL API: the same endpoints as REST, in another spelling."""
