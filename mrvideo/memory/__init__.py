"""What is remembered of one video: a tree of chapters above its scenes, in which every fact cites the scenes
that bear it out.
"""

from mrvideo.memory.tree import Fact, Memory, Node, Sentence

__all__ = ["Fact", "Memory", "Node", "Sentence"]
