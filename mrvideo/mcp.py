"""The tools as an MCP server. Lives in `mrvideo.tools.mcp`."""

from mrvideo.tools.mcp import make_server, serve

__all__ = ["make_server", "serve"]
