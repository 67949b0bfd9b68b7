internal import CMPI
internal import Foundation

/// A send to a rank and a receive from it, both in progress.
@unsafe struct Transfer {
    fileprivate var sending: MPI_Request?
    fileprivate var receiving: MPI_Request?
}

extension MPICommunicator {
    /// Starts to exchange bytes with `partner`; a count of 0 sends or receives nothing.
    ///
    /// - Precondition: Neither count exceeds `limits.messageByteCount`, which is below 2³¹. Until
    ///   `wait` returns, the sent bytes do not change and nothing reads the received bytes.
    func transfer(
        with partner: Int, sending source: UnsafeRawPointer, _ sentCount: Int,
        receiving target: UnsafeMutableRawPointer, _ receivedCount: Int
    ) throws(MPIError) -> Transfer {
        var transfer = unsafe Transfer()
        if receivedCount > 0 {
            try check(
                "MPI_Irecv",
                unsafe MPI_Irecv(
                    target, Int32(receivedCount), CMPI_BYTE(), Int32(partner), 0, world, &transfer.receiving))
        }
        if sentCount > 0 {
            try check(
                "MPI_Isend",
                unsafe MPI_Isend(
                    source, Int32(sentCount), CMPI_BYTE(), Int32(partner), 0, world, &transfer.sending))
        }
        return unsafe transfer
    }

    /// Returns when the send and the receive are complete.
    func wait(for transfer: Transfer) throws(MPIError) {
        var transfer = unsafe transfer
        try unsafe wait(for: &transfer.receiving)
        try unsafe wait(for: &transfer.sending)
    }

    private func wait(for request: inout MPI_Request?) throws(MPIError) {
        guard unsafe request != nil else { return }
        guard isPatient else {
            return try check("MPI_Wait", unsafe MPI_Wait(&request, CMPI_STATUS_IGNORE()))
        }
        var looks = 0
        while true {
            var isDone: Int32 = 0
            try check("MPI_Test", unsafe MPI_Test(&request, &isDone, CMPI_STATUS_IGNORE()))
            if isDone != 0 { return }
            looks += 1
            // Messages make progress only inside calls to MPI, so the sleep must be short.
            if looks > 20 { usleep(20) }
        }
    }
}
