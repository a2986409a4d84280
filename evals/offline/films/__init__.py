"""The films of the held-out set, by name. `harbour` is the demo film; the others are generated."""

from __future__ import annotations

from mrvideo.evals.offline.film import Film
from mrvideo.evals.offline.films import bread, departures, flat, match, news, scripts, signs, talk

FILMS: dict[str, Film] = {
    module.FILM.name: module.FILM for module in (talk, flat, departures, match, bread, news, signs, scripts)
}
