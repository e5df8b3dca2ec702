"""The authorization server's endpoints: `/oauth/*` and the documents below `/.well-known/`."""
