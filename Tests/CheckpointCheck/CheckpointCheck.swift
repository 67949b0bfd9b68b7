import Checkpoints
import Glibc
import Memory
import Networks
import Workers

/// `checkpoint-check FOLDER STEP [KEEP]`: writes a synthetic run's state after STEP updates as the
/// newest and the best checkpoint.
///
/// Exits with code 5 if that fails. The state is that of a ResNet-20 initialised with the seed
/// STEP; its momentum is STEP everywhere.
@main
struct CheckpointCheck {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let step = Int(arguments[2]) else { exit(2, "FOLDER STEP [KEEP]") }
        let keep = arguments.count > 3 ? Int(arguments[3]) ?? 1 : 1
        let classifier = Classifier(.resnet20, head: .t2fnorm(temperature: 0.1), classes: 10)
        classifier.parameters.initialize(seed: UInt64(step))
        let velocity = Buffer<Float>(
            count: classifier.parameters.parameterCount, repeating: Float(step))
        let pool = WorkerPool(threads: 1)
        var position = TrainingPosition()
        position.step = step
        let writer = try CheckpointWriter(
            Snapshot(
                of: classifier, slots: [.momentum], configuration: "name: check\n", dataFingerprint: "0"),
            to: CheckpointStore(folder: arguments[1], keep: keep))
        writer.write(isBest: true) { snapshot in
            _ = snapshot.take(classifier.parameters, slots: velocity, position: position, on: pool)
        }
        writer.wait()
        if case .failure(let error) = writer.takeOutcomes()[0].result { exit(5, "\(error)") }
    }

    private static func exit(_ code: Int32, _ message: String) -> Never {
        print(message)
        Glibc.exit(code)
    }
}
