internal import CMPI
internal import Foundation

extension MPICommunicator {
    package func abort(exitCode: Int32, report: () -> Void) -> Never {
        var isFirst = true
        sendNotices()
        wait(seconds: 0.5) {
            if hearsFromLowerRank() { isFirst = false }
            return !isFirst
        }
        // The lower rank ends the job. If it dies before that, this rank ends the job.
        if !isFirst { wait(seconds: 5) { false } }
        report()
        _ = unsafe MPI_Abort(world, exitCode)
        exit(exitCode)
    }

    /// Notifies the higher ranks that this rank has failed. An empty message is sent without a
    /// wait.
    private func sendNotices() {
        for other in rank + 1..<max(worldSize, rank + 1) {
            var request: MPI_Request?
            _ = unsafe MPI_Isend(nil, 0, CMPI_BYTE(), Int32(other), 0, notices, &request)
        }
    }

    private func hearsFromLowerRank() -> Bool {
        var isThere: Int32 = 0
        let code = unsafe MPI_Iprobe(
            Int32(MPI_ANY_SOURCE), 0, notices, &isThere, CMPI_STATUS_IGNORE())
        return code == MPI_SUCCESS && isThere != 0
    }

    /// Waits until `isDone` or until the time is over.
    private func wait(seconds: Double, until isDone: () -> Bool) {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end, !isDone() { usleep(1000) }
    }
}
