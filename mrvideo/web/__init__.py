"""The viewer: a page for the library and one for each video, and the JSON API that they read. Needs the extra
`web`.

browser ─► door: Host, Origin, token ─► pages and static files
                                      ─► /api: records as JSON, the video's bytes, frames, questions as a stream of events
"""
