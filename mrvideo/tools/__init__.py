"""The tools that LLM agents call: definitions, the toolbox that runs them, and faces for frameworks and MCP.

tools = mrvideo.tools.langchain()          LangChain tools
tools = mrvideo.tools.openai()             OpenAI function schemas with a dispatcher
"""

from mrvideo.tools.frameworks import FunctionTools, langchain, openai

__all__ = ["FunctionTools", "langchain", "openai"]
