"""Cases of tools/compare_loader.py, which ComparePyTorchTests runs; neither program is measured in them."""

import contextlib
import io
import pathlib
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import compare_loader as loader


def report(rate, share):
    return {"imagesPerSecond": rate, "othersShare": share, "images": 100_096, "startSeconds": 0.004,
            "earlyByteCount": 50_000_000, "lateByteCount": 51_000_000, "version": "2.13.0+cpu, torchvision 0.28.0"}


def nothing(*_):
    pass


def printed(arguments, ours, theirs):
    """What the comparison prints, and what it says beside, where all runs report the same."""
    output, notes = io.StringIO(), io.StringIO()
    with (mock.patch.object(loader, "ours", lambda *_: ours), mock.patch.object(loader, "theirs", lambda *_: theirs),
          mock.patch.multiple(loader, make_cifar=nothing, make_imagenet=nothing, make_large=nothing, pack=nothing,
                              describe=lambda _: ["3 files"], wait_share=lambda *_: 0.004, DATA=pathlib.Path("/")),
          mock.patch.object(loader, "CIFAR", "proc/self/status"), mock.patch.object(loader, "IMAGENET", "proc/self/stat"),
          contextlib.redirect_stdout(output), contextlib.redirect_stderr(notes)):
        loader.main(arguments)
    return output.getvalue(), notes.getvalue()


class TableTests(unittest.TestCase):
    def test_a_row_has_rates_ratio_and_what_others_had(self):
        output, notes = printed(["--pairs", "2"], report(190_000, 0.01), report(6_400, 0.02))
        self.assertIn("| CIFAR batches: flip, crop, normalise | 190,000 | 6,400 | 29.69 (29.69..29.69) | 2.0 % |", output)
        self.assertEqual(notes.count(", pair 2 of 2: "), 5)
        self.assertIn("PyTorch 2.13.0+cpu, torchvision 0.28.0", output)
        self.assertNotIn("quiet machine", output + notes)

    def test_memory_and_waiting_stand_below_it(self):
        output, _ = printed(["--rows", "memory,wait"], report(1, 0), report(1, 0))
        self.assertIn("over 100,096 records: 50.0 MB after a quarter, 51.0 MB at the end (+2.0 %); 4 ms to a batch", output)
        self.assertIn("waits for data 0.40 % of its time (0.40 to 0.40 in 5 runs)", output)
        self.assertNotIn("| img/s", output)

    def test_other_programs_are_warned_of_in_both_places(self):
        output, notes = printed(["--rows", "cifar", "--pairs", "1"], report(1, 0.3), report(1, 0))
        self.assertIn("**Not a quiet machine: in 1 of 2 runs", output)
        self.assertIn("compare-loader: not a quiet machine", notes)

    def test_the_cores_are_given_back(self):
        before = loader.os.sched_getaffinity(0)
        self.assertEqual(len(loader.on_one_core(lambda: loader.os.sched_getaffinity(0))), 1)
        self.assertEqual(loader.os.sched_getaffinity(0), before)


class ArgumentTests(unittest.TestCase):
    def test_a_misspelled_row_is_named(self):
        notes = io.StringIO()
        with contextlib.redirect_stderr(notes), self.assertRaises(SystemExit) as failure:
            loader.main(["--rows", "jpg"])
        self.assertEqual(failure.exception.code, 2)
        self.assertIn("'jpg', expected some of cifar, jpeg,", notes.getvalue())

    def test_missing_images_are_named(self):
        with mock.patch.object(loader, "DATA", pathlib.Path("/nowhere")), self.assertRaises(SystemExit) as failure:
            loader.main([])
        self.assertIn("no cifar10/cifar10-jpeg-test.tar.gz in /nowhere", str(failure.exception.code))


if __name__ == "__main__":
    unittest.main()
