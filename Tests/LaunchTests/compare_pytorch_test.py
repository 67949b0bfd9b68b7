"""Cases of tools/compare_pytorch.py, which ComparePyTorchTests runs; neither program is measured in them."""

import contextlib
import io
import pathlib
import subprocess
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import compare_pytorch as compare

SECOND = compare.os.sysconf("SC_CLK_TCK")
# 1 s in each of the columns that count as busy, 10 s idle, 4 s waiting for I/O; the guest's second
# is part of the user's.
STAT = f"""cpu  {999 * SECOND} 0 0 0 0 0 0 0 0 0
cpu0 {SECOND} {SECOND} {SECOND} {10 * SECOND} {4 * SECOND} {SECOND} {SECOND} {SECOND} {SECOND} 0
cpu1 {2 * SECOND} 0 0 {18 * SECOND} 0 0 0 0 0 0
cpu10 {20 * SECOND} 0 0 0 0 0 0 0 0 0
intr 123
"""
SPIN = "import time\nwhile time.process_time() < {seconds}: pass\n"


def report(rate, share, peak=2e9, runtime="eager"):
    return {"imagesPerSecond": rate, "othersShare": share, "peakByteCount": peak, "version": "2.13.0+cpu",
            "runtime": runtime}


def first_line(*command):
    return {"git": "1a2b3c4-dirty", "swift": "Swift version 6.3.1 (swift-6.3.1-RELEASE)"}[command[0]]


def printed(arguments, ours, theirs):
    """What the comparison prints, and what it says beside, where all runs report the same."""
    output, notes = io.StringIO(), io.StringIO()
    with (mock.patch.object(compare, "ours", lambda *_: ours), mock.patch.object(compare, "theirs", lambda *_: theirs),
          mock.patch.object(compare, "first_line", first_line), mock.patch.dict(compare.os.environ, T2FNORM_CPU="x86-64-v3"),
          contextlib.redirect_stdout(output), contextlib.redirect_stderr(notes)):
        compare.main(arguments)
    return output.getvalue(), notes.getvalue()


class CoreTests(unittest.TestCase):
    def test_work_and_time_of_the_own_cores_are_summed(self):
        self.assertEqual(compare.core_seconds(STAT, {0}), (6, 20))
        self.assertEqual(compare.core_seconds(STAT, {0, 1}), (8, 40))

    def test_others_are_what_is_busy_without_this_program(self):
        before = compare.Usage(busy=100, own=10, total=1000)
        self.assertAlmostEqual(compare.others_share(before, compare.Usage(118, 26, 1020)), 0.1)
        self.assertEqual(compare.others_share(before, compare.Usage(115.9, 26, 1020)), 0)
        self.assertEqual(compare.others_share(before, before), 0)

    def test_the_work_of_an_ended_child_is_this_programs(self):
        before = compare.usage_now()
        subprocess.run([sys.executable, "-c", SPIN.format(seconds=0.4)], check=True)
        after = compare.usage_now()
        self.assertGreaterEqual(after.own - before.own, 0.4)
        self.assertGreater(after.total, before.total)
        # The columns of the cores are in clock ticks.
        self.assertGreater(after.busy - before.busy, 0.3)

    def test_a_program_beside_a_run_is_noticed(self):
        # 18 s of 20 are busy, 12 of them by this program and its child.
        usages = [compare.Usage(busy=100, own=10, total=1000), compare.Usage(busy=118, own=22, total=1020)]
        with mock.patch.object(compare, "usage_now", lambda: usages.pop(0)):
            outcome = compare.run([sys.executable, "-c", "print('{}')"], 1)
        self.assertAlmostEqual(outcome["othersShare"], 0.3)
        self.assertEqual(usages, [])

    def test_a_run_that_fails_ends_all_with_its_code(self):
        with self.assertRaises(SystemExit) as failure:
            compare.run([sys.executable, "-c", "raise SystemExit(3)"], 1)
        self.assertEqual(failure.exception.code, 3)


class TableTests(unittest.TestCase):
    def test_the_table_comes_last_and_has_a_line_a_row(self):
        output, notes = printed(["--pairs", "3", "--precision", "single", "--runtimes", "eager"], report(120, 0.01, 1e9), report(48, 0.02))
        lines = output.splitlines()
        self.assertEqual(lines[-7], "|  | img/s | peer | ratio | peak GB | peer | ratio | others |")
        self.assertEqual(lines[-6], "|---" + "|---:" * 7 + "|")
        self.assertEqual(
            lines[-5],
            "| ResNet-18/CIFAR training, batch 128, single precision | 120.0 | 48.0 | 2.50 (2.50..2.50) | 1.00 | 2.00 | 0.50 | 2.0 % |")
        self.assertTrue(lines[-1].startswith("| ResNet-18/CIFAR training, batch 128: 2 threads against 1, both ours | 120.0 "))
        self.assertEqual(notes.count(", pair 3 of 3: "), 5)
        self.assertIn("120.00 against 48.00 img/s; other programs used 1.0 % and 2.0 % of the cores", notes)

    def test_the_medians_and_the_spread_are_those_of_pairs(self):
        pairs = [(report(a, 0), report(b, 0)) for a, b in ((10, 5), (30, 10), (20, 20))]
        self.assertEqual(compare.row("row", pairs)[1:4], ["20.0", "10.0", "2.00 (1.00..3.00)"])

    def test_each_program_is_compared_at_its_best(self):
        slow, fast = [[(report(a, 0), report(b, 0)) for a, b in rates] for rates in (((10, 8), (12, 9)), ((20, 5), (22, 6)))]
        best = compare.at_their_best([slow, fast])
        self.assertEqual([(a["imagesPerSecond"], b["imagesPerSecond"]) for a, b in best], [(20, 8), (22, 9)])
        output, _ = printed(["--rows", "resnet18-training", "--pairs", "1"], report(2, 0), report(1, 0))
        titles = [line.split(" | ")[0].rpartition(", ")[2] for line in output.splitlines()[-3:]]
        self.assertEqual(titles, ["single precision", "low precision", "each at its best"])

    def test_inference_has_more_peers(self):
        output, _ = printed(["--rows", "resnet18-inference", "--pairs", "1"], report(2, 0), report(1, 0))
        titles = [line.split(" | ")[0].partition("batch 200, ")[2] for line in output.splitlines()[-8:]]
        self.assertEqual(titles, [
            "single precision", "single precision, against PyTorch compiled and frozen",
            "single precision, against ONNX Runtime", "single precision, against OpenVINO",
            "low precision", "low precision, against PyTorch compiled and frozen", "low precision, against OpenVINO",
            "each at its best"])

    def test_the_version_of_each_program_is_named_once(self):
        pairs = [(report(1, 0), report(1, 0, runtime=name)) for name in ("eager", "compiled", "openvino")]
        self.assertEqual(compare.peer_versions(pairs), "PyTorch 2.13.0+cpu, OpenVINO 2.13.0+cpu")

    def test_machine_date_and_versions_stand_above_it(self):
        output, _ = printed(["--rows", "resnet18-training", "--pairs", "1"], report(1, 0), report(1, 0))
        self.assertRegex(output.splitlines()[0], r"^.+, \d+ cores, \d+\.\d GB of memory; \d{4}-\d\d-\d\d; "
                         r"t2fnorm 1a2b3c4-dirty for CPU x86-64-v3 \(Swift 6\.3\.1\), PyTorch 2\.13\.0\+cpu, channels-last")

    def test_a_calm_machine_is_no_matter(self):
        output, notes = printed(["--pairs", "1"], report(1, 0.05), report(1, 0))
        self.assertNotIn("quiet machine", output + notes)

    def test_other_programs_are_warned_of_in_both_places(self):
        output, notes = printed(["--rows", "resnet18-training", "--pairs", "2"], report(1, 0.06), report(1, 0.43))
        self.assertIn("**Not a quiet machine: in 12 of 12 runs other programs used more than 5 % of the cores, up to 43.0 %;", output)
        self.assertIn("compare-pytorch: not a quiet machine", notes)

    def test_without_rows_of_pytorch_only_threads_are_compared(self):
        output, _ = printed(["--rows", "threads", "--pairs", "1", "--threads", "4"], report(1, 0), None)
        self.assertIn("PyTorch not run", output)
        self.assertIn(": 4 threads against 1, both ours |", output.splitlines()[-1])


class ArgumentTests(unittest.TestCase):
    def refused(self, *arguments):
        notes = io.StringIO()
        with contextlib.redirect_stderr(notes), self.assertRaises(SystemExit) as failure:
            compare.main(arguments)
        self.assertEqual(failure.exception.code, 2)
        return notes.getvalue()

    def test_a_misspelled_row_is_named(self):
        self.assertIn("'resnet19-training', expected some of resnet18-training,", self.refused("--rows", "resnet19-training"))

    def test_no_pairs_are_refused(self):
        self.assertIn("'0', expected a number from 1 up", self.refused("--pairs", "0"))

    def test_a_misspelled_runtime_is_named(self):
        self.assertIn("'tensorflow', expected some of eager, compiled, onnxruntime, openvino", self.refused("--runtimes", "tensorflow"))

    def test_a_misspelled_precision_is_named(self):
        self.assertIn("'double', expected some of single, low", self.refused("--precision", "double"))


if __name__ == "__main__":
    unittest.main()
