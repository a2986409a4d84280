"""Packed inference for transformers models in this process: rows of unequal lengths in one tensor, no
padding.

    prompts ─► encoder ─► decoder.prefill ─► decoder.step, step, … ─► replies
    (threads)  (pictures)    (packed rows)      (one token a row)
                     rows that end are refilled from the queue (engine)

Families: see `families.py`. Every other model is asked through `generate`, in padded batches.
"""
