"""OpenAPI documents and the responses they promise."""
