"""Composition: models, library and stages for one `Settings`.

The SDK, the command line, tools, MCP and evals all go through it.
"""
