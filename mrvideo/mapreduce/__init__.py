"""Map a function over shards and reduce the results. No other package knows about workers.

    specs ──► map_shards ──► records, in order of completion       threading | loky | dask | ray (joblib)
    items ──► tree_reduce ─► one                                   log2(n) levels, each level at once

Model calls are async and all run on one event loop, on a daemon thread of its own: `portal()`. Decoding runs
on as many threads as cores, or, for long videos, in as many processes: `decode`, `decoding_processes`. What
takes long elsewhere (a download) hears that its work was stopped: `check_going_on`, `ending`.
"""

from mrvideo.mapreduce.decoding import Decode, cores, decode, decoding_processes
from mrvideo.mapreduce.engines import Backend
from mrvideo.mapreduce.event_loop import StopScope, check_going_on, ending, in_thread, portal, start_on_portal
from mrvideo.mapreduce.shards import map_shards, worker_name
from mrvideo.mapreduce.tree import tree_reduce

__all__ = [
    "Backend",
    "Decode",
    "StopScope",
    "check_going_on",
    "cores",
    "decode",
    "decoding_processes",
    "ending",
    "in_thread",
    "map_shards",
    "portal",
    "start_on_portal",
    "tree_reduce",
    "worker_name",
]
