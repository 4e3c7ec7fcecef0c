"""Writes small files in the formats of public data sets with h5py and NumPy, and what is in them.

python write_datasets.py FOLDER
"""

import gzip
import json
import pathlib
import struct
import sys

import h5py
import numpy as np

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(5)
expected = {}


def heidelberg(name, dtype, classes, count=12):
    """spikes/times in s, spikes/units and labels, as in the Heidelberg data sets; times are of 16 bits there."""
    samples = []
    with h5py.File(folder / f"{name}.h5", "w") as file:
        times = file.create_dataset("spikes/times", (count,), dtype=h5py.vlen_dtype(np.dtype(dtype)))
        units = file.create_dataset("spikes/units", (count,), dtype=h5py.vlen_dtype(np.uint16))
        labels = rng.integers(0, classes, count).astype(np.uint16)
        for sample in range(count):
            spikes = 0 if sample == 3 else int(rng.integers(5, 400))
            at = np.sort(rng.uniform(0, 1.2, spikes)).astype(dtype)
            of = rng.integers(0, 700, spikes).astype(np.uint16)
            times[sample], units[sample] = at, of
            milliseconds = at.astype(np.float64) * 1000
            samples.append({"times": milliseconds.tolist(), "channels": of.tolist(), "label": int(labels[sample])})
        file["labels"] = labels
        file["extra/keys"] = np.array([f"word {at}" for at in range(classes)], dtype="S")
        file["extra/speaker"] = np.zeros(count, np.uint16)
    expected[name] = samples


heidelberg("shd_train", np.float16, 20)
heidelberg("shd_test", np.float32, 20, 5)
heidelberg("ssc_train", np.float16, 35, 5)


def gestures():
    """A recording in AEDAT 3.1 with its labels; packets of other events, and events that do not count, in between."""
    root = folder / "DvsGesture"
    root.mkdir()
    samples = {"train": [], "test": []}
    for trial, (part, name) in enumerate([("train", "user01_led"), ("train", "user02_lab"), ("test", "user24_led")]):
        count = 3000
        times = np.sort(rng.integers(1_000_000, 9_000_000, count)).astype(np.int64)
        # The clock of 31 bits overflows in the second recording.
        if trial == 1:
            times = times + 2**31 - 5_000_000
        x, y = rng.integers(0, 128, (2, count))
        polarity, valid = rng.integers(0, 2, count), rng.random(count) < 0.95
        data = (x << 17) | (y << 2) | (polarity << 1) | valid
        out = bytearray(b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2016\r\n#!END-HEADER\r\n")
        begin = 0
        while begin < count:
            end = min(count, begin + int(rng.integers(1, 400)))
            # A packet's events have overflowed as often as each other.
            overflows = times[begin:end] >> 31
            end = begin + int(np.searchsorted(overflows, overflows[0], "right"))
            number = end - begin
            room = number + int(rng.integers(0, 3))
            header = (1, 1, 8, 4, int(overflows[0]), room, number, int(valid[begin:end].sum()))
            out += struct.pack("<HHiiiiii", *header)
            events = np.zeros((room, 2), "<u4")
            events[:number, 0] = data[begin:end]
            events[:number, 1] = times[begin:end] & 0x7FFF_FFFF
            out += events.tobytes()
            if begin % 2:
                out += struct.pack("<HHiiiiii", 0, 1, 8, 4, 0, 1, 1, 1) + bytes(8)
            begin = end
        (root / f"{name}.aedat").write_bytes(out)
        first = int(times[0])
        bounds = [(1, first + 100_000, first + 2_000_000), (11, first + 2_500_000, first + 6_000_000)]
        lines = [f"{label},{start},{stop}" for label, start, stop in bounds]
        (root / f"{name}_labels.csv").write_text("class,startTime_usec,endTime_usec\n" + "\n".join(lines) + "\n")
        for label, start, stop in bounds:
            kept = (times >= start) & (times < stop) & valid
            channels = (polarity * 128 + y) * 128 + x
            milliseconds = (times[kept] - start) / 1000
            samples[part].append(
                {"times": milliseconds.tolist(), "channels": channels[kept].tolist(), "label": label - 1}
            )
    (root / "trials_to_train.txt").write_text("user01_led.aedat\nuser02_lab.aedat\n")
    (root / "trials_to_test.txt").write_text("user24_led.aedat\n")
    expected["gestures"] = samples


gestures()


def n_mnist():
    """Recordings of five bytes an event, with the events that tell that the clock has overflowed (y = 240)."""
    samples = {}
    for split in ("Train", "Test"):
        for digit in range(10):
            root = folder / "n-mnist" / split / str(digit)
            root.mkdir(parents=True)
            count = 200
            times = np.sort(rng.integers(0, 300_000, count))
            x, y = rng.integers(0, 34, (2, count))
            polarity = rng.integers(0, 2, count)
            stamps, lines = [], []
            later = 0
            for at in range(count):
                if at in (50, 120):
                    lines.append((0, 240, 0, int(times[at]) - later))
                    later += 8192
                stamp = max(0, int(times[at]) - later)
                lines.append((x[at], y[at], polarity[at], stamp))
                stamps.append(stamp + later)
            packed = b"".join(
                bytes([int(a), int(b), int(p) << 7 | (t >> 16) & 0x7F, t >> 8 & 255, t & 255]) for a, b, p, t in lines
            )
            (root / "00001.bin").write_bytes(packed)
            order = np.argsort(np.array(stamps), kind="stable")
            channels = (polarity * 34 + y) * 34 + x
            samples[f"{split}/{digit}"] = {
                "times": (np.array(stamps)[order] / 1000).tolist(),
                "channels": channels[order].tolist(),
                "label": digit,
            }
    expected["n-mnist"] = samples


n_mnist()


def mnist():
    """Images and labels as MNIST has them: big-endian sizes, bytes, packed."""
    root = folder / "mnist"
    root.mkdir()
    found = {}
    for name, count in (("train", 7), ("t10k", 4)):
        images = rng.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        labels = rng.integers(0, 10, count).astype(np.uint8)
        with gzip.open(root / f"{name}-images-idx3-ubyte.gz", "wb") as file:
            file.write(struct.pack(">HBBIII", 0, 8, 3, *images.shape) + images.tobytes())
        plain = struct.pack(">HBBI", 0, 8, 1, count) + labels.tobytes()
        # One of the four files is there unpacked.
        if name == "t10k":
            (root / f"{name}-labels-idx1-ubyte").write_bytes(plain)
        else:
            with gzip.open(root / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
                file.write(plain)
        found[name] = {"images": images.reshape(count, -1).tolist(), "labels": labels.tolist()}
    expected["mnist"] = found


mnist()


def event_archives():
    """Events of several samples one after the other, plain and compressed, in several types; the same as a table."""
    counts = rng.integers(0, 60, 9)
    counts[4] = 0
    offsets = np.concatenate([[0], np.cumsum(counts)])
    times = np.concatenate([np.sort(rng.uniform(0, 100, count)) for count in counts]).astype(np.float32)
    x, y, p = (rng.integers(0, size, len(times)) for size in (12, 10, 2))
    channels = (p * 10 + y) * 12 + x
    labels = rng.integers(0, 4, len(counts))
    np.savez(folder / "channels.npz", times=times, channels=channels, offsets=offsets, labels=labels)
    np.savez_compressed(
        folder / "grid.npz",
        times=(times.astype(np.float64) * 1000).round().astype(np.uint32),
        x=x.astype(np.uint8),
        y=y.astype(np.int16),
        p=p.astype(bool),
        offsets=offsets.astype(np.uint16),
        labels=labels.astype(np.int8),
    )
    rows = ["sample,label,time,channel"]
    table = []
    for sample, (begin, end) in enumerate(zip(offsets[:-1], offsets[1:])):
        events = {"times": times[begin:end].astype(float).tolist(), "channels": channels[begin:end].tolist()}
        table.append({**events, "label": int(labels[sample])})
    filled = [sample for sample in table if sample["times"]]
    for number, sample in enumerate(filled):
        for time, channel in zip(sample["times"], sample["channels"]):
            rows.append(f"{number},{sample['label']},{time!r},{channel}")
    (folder / "events.csv").write_text("\n".join(rows) + "\n")
    expected["archive"] = table


event_archives()
(folder / "expected.json").write_text(json.dumps(expected))
