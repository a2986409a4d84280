"""Model servers that mrvideo starts, shares between runs and stops: vLLM, SGLang, and llama.cpp's server.

programs.py    which program, and its command line        sharing.py   who starts it, who joins; state.py on disk
starting.py    port, keys, log, and the order to a        wanted.py    what is asked for, and what went wrong
keeper.py      process of its own: starts the server,     backend.py   the adapter: joins, then asks as any
               watches it and its users, stops it                      OpenAI-compatible server is asked

    run ─ connection ─┐                       a connection that closes, also by kill -9, is a user less;
    run ─ connection ─┴─ keeper ─ vllm serve  with the last one the keeper stops the server

gpus.py, on_disk.py, running.py and advice.py look around this machine for `mrvideo doctor`.
"""
