"""HTTP requests and what their responses say."""
