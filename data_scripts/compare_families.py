"""Train the small net of each family of architectures under one recipe, and keep what it reached.

    python data_scripts/compare_families.py VGG                 # does it still agree?
    python data_scripts/compare_families.py VGG ViT --keep      # measure anew, and keep
    python data_scripts/compare_families.py --keep              # all of them, one after another
    python data_scripts/compare_families.py --times             # only time all of them anew

From 20 seconds to 2 minutes a family on one core, for three seeds, and 1 GB of memory. One recipe
for all, and nothing was tuned for a family: that is fair in one sense only. A family that needs
a smaller rate, more steps or more pictures looks worse here than it is.

What was measured anew agrees if its mean lies in the family's band: the mean over the seeds that
were kept, and to each side the larger of four standard deviations and three standard errors of the
test pictures. Without --keep the script leaves with 1 if one does not agree.

What a call takes at inference is measured of all families in turns (20 seconds), so that a busy
minute of the machine does not make one of them look slow.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from course_utils import datasets, menagerie, tensorflow_device
from course_utils.convnets.families import FAMILIES, MEASURED, family_net

if TYPE_CHECKING:
    import keras

RECIPE = {
    "data": "colour_things",
    "train": 1600,
    "test": 2000,
    "batch_size": 32,
    "epochs": 8,
    "warm_up_epochs": 1,
    "rate": 0.003,
    "optimizer": "Adam; the rate rises over the first epoch and falls to 0 by a cosine",
}
# Chapters draw by small seeds: what is measured here was drawn apart from what they train on.
DRAWING_SEEDS = 815_000
BATCHES = (1, 32)
RUNS = 100


def open_data(seed: int) -> datasets.DataSet:
    """Pictures of their own for each seed."""
    return datasets.open(
        RECIPE["data"],
        train=RECIPE["train"],
        validation=1,
        test=RECIPE["test"],
        seed=DRAWING_SEEDS + seed,
    )


def train(name: str, seed: int, data: datasets.DataSet) -> tuple[keras.Model, float]:
    """The family's net, trained, and its test accuracy."""
    import keras

    keras.utils.set_random_seed(seed)
    net = family_net(name, data.image_shape, len(data.classes))
    steps = RECIPE["train"] // RECIPE["batch_size"]
    warm = steps * RECIPE["warm_up_epochs"]
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        steps * RECIPE["epochs"] - warm,
        warmup_target=RECIPE["rate"],
        warmup_steps=warm,
    )
    net.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    net.fit(
        data.train.scaled(),
        data.train.labels,
        batch_size=RECIPE["batch_size"],
        epochs=RECIPE["epochs"],
        verbose=0,
    )
    accuracy = net.evaluate(data.test.scaled(), data.test.labels, batch_size=250, verbose=0)[1]
    return net, float(accuracy)


def measure(name: str, seeds: list[int]) -> dict[str, Any]:
    """All that is kept of one family, but its times."""
    from course_utils.architecture import cost_table

    accuracies = {}
    for seed in seeds:
        net, accuracy = train(name, seed, open_data(seed))
        accuracies[str(seed)] = round(accuracy, 4)
        print(f"{name} seed {seed}: test accuracy {accuracy:.4f}", flush=True)
    table = cost_table(net)
    return {
        "accuracy": accuracies,
        "band": band(list(accuracies.values())),
        "parameters": table.parameters,
        "multiply_adds": table.multiply_adds,
        "sees": table.sees,
    }


def times() -> dict[str, dict[str, Any]]:
    """Milliseconds that a call of each family takes, by size of the batch; timed in turns."""
    from course_utils.architecture import latencies

    nets = {name: family_net(name) for name in FAMILIES}
    taken = {size: latencies(nets, batch_size=size, runs=RUNS) for size in BATCHES}
    return {
        name: {
            "latency_ms": {str(size): round(1e3 * taken[size][name].median, 3) for size in BATCHES}
        }
        for name in nets
    }


def band(accuracies: list[float]) -> list[float]:
    """Mean, and to each side the larger of four deviations and three standard errors."""
    mean = float(np.mean(accuracies))
    deviation = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else 0.0
    half = max(4 * deviation, 3 * (mean * (1 - mean) / RECIPE["test"]) ** 0.5)
    return [round(mean - half, 3), round(mean + half, 3)]


def keep(found: dict[str, dict[str, Any]]) -> None:
    """Write what was found of some families into the file; several may be measured at once."""
    import keras
    import tensorflow as tf

    with FileLock(Path(tempfile.gettempdir(), f"{MEASURED.name}.lock")):
        kept = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
        families = kept.get("families", {})
        families |= {name: families.get(name, {}) | facts for name, facts in found.items()}
        told = {
            "made_by": "data_scripts/compare_families.py",
            "recipe": RECIPE,
            "pictures": {
                "drawing_seeds": f"{DRAWING_SEEDS} + seed",
                "generation": menagerie.GENERATION,
                "fingerprint": menagerie.fingerprint(),
            },
            "machine": {
                "processor": platform.machine(),
                "cores": len(os.sched_getaffinity(0))
                if hasattr(os, "sched_getaffinity")
                else os.cpu_count(),
                "TensorFlow": tf.__version__,
                "Keras": keras.__version__,
                "note": "times were taken on a shared machine: compare them, do not quote them",
            },
            "families": {each: families[each] for each in FAMILIES if each in families},
        }
        MEASURED.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Measure each family asked for; keep it, or compare it with what is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"of {', '.join(FAMILIES)}")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", action="store_true", help=f"write into {MEASURED.name}")
    parser.add_argument("--times", action="store_true", help="time all anew, keep that, no more")
    asked = parser.parse_args()
    unknown = [name for name in asked.families if name not in FAMILIES]
    if unknown:
        parser.error(f"expected families of {', '.join(FAMILIES)}, received {', '.join(unknown)}")
    tensorflow_device.start(0)
    if asked.times:
        keep(times())
        return 0
    outside = []
    for name in asked.families or FAMILIES:
        found = measure(name, asked.seeds)
        if asked.keep:
            keep({name: found})
            continue
        low, high = json.loads(MEASURED.read_text(encoding="utf-8"))["families"][name]["band"]
        mean = float(np.mean(list(found["accuracy"].values())))
        print(f"{name}: mean {mean:.4f}; band of what is kept {low} to {high}", flush=True)
        outside += [] if low <= mean <= high else [name]
    if asked.keep:
        keep(times())
    if outside:
        print(f"outside their bands: {', '.join(outside)}")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
