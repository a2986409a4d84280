"""The command line: arguments in, text or JSON out. One module per family of commands; `app` puts them
together.
"""
