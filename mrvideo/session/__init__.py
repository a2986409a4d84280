"""The one composer: models, library and stages put together for one Settings. Every face goes through it."""
