"""What each prompt is asked with, and what it must answer: one Inputs and one Reply type per prompt file.

The types are the contract between the stages that ask, the prompts that word it, and the models that answer:
an adapter that needs no words at all (`offline`) reads the Inputs and fills the Reply.
"""
