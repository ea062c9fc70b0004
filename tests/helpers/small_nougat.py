"""A nougat model of random weights and a few thousand parameters, and scanned pages to read with it."""

import io
import string
from pathlib import Path

from fpdf import FPDF
from PIL import Image, ImageDraw

PIXELS = {"height": 64, "width": 48}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "[START_REF]"]


def make_nougat(folder: Path) -> None:
    """Write the model, its image processor and a tokenizer of single letters as transformers saves them."""
    import torch
    from transformers import (
        DonutSwinConfig,
        MBartConfig,
        NougatImageProcessor,
        NougatProcessor,
        NougatTokenizerFast,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
    )

    vocabulary = {token: index for index, token in enumerate([*SPECIAL, *string.ascii_letters])}
    encoder = DonutSwinConfig(
        image_size=list(PIXELS.values()), patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=2
    )
    decoder = MBartConfig(
        vocab_size=len(vocabulary),
        d_model=16,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
        max_position_embeddings=24,
        is_decoder=True,
        add_cross_attention=True,
        is_encoder_decoder=False,
        scale_embedding=True,
    )
    torch.manual_seed(0)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 0, 1, 2
    model = VisionEncoderDecoderModel(config)
    model.generation_config.decoder_start_token_id = 0
    model.generation_config.pad_token_id, model.generation_config.eos_token_id = 1, 2
    model.generation_config.suppress_tokens, model.generation_config.min_new_tokens = [0, 1, 3, 4], 20
    with torch.no_grad():  # so that what is read depends on the page
        for parameter in model.parameters():
            parameter.mul_(8)
    model.save_pretrained(folder)
    images = NougatImageProcessor(size=PIXELS)
    NougatProcessor(images, NougatTokenizerFast(vocab=vocabulary, merges=[])).save_pretrained(folder)


def make_scan(pages: int) -> bytes:
    """Return a PDF whose pages are pictures of text, without a text layer."""
    pdf = FPDF()
    for number in range(pages):
        picture = Image.new("L", (420, 594), "white")
        draw = ImageDraw.Draw(picture)
        for line in range(30):
            draw.text((30, 20 + 18 * line), f"page {number}, line {line}: {number * line} = {number} x {line}", fill=0)
        data = io.BytesIO()
        picture.save(data, "PNG")
        pdf.add_page()
        pdf.image(data, x=0, y=0, w=210)
    return bytes(pdf.output())
