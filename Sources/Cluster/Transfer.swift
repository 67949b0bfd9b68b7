internal import CMPI
internal import Foundation

/// A message to a rank and one from it, both under way.
@unsafe struct Transfer {
    fileprivate var sending: MPI_Request?
    fileprivate var receiving: MPI_Request?
}

extension MPICommunicator {
    /// Begins to exchange bytes with `partner`; nothing goes in a direction without bytes.
    ///
    /// - Precondition: Neither count is above `limits.messageByteCount`, which is below 2³¹; until `wait` has returned the
    ///   bytes that are sent stay as they are, and nothing reads those that arrive.
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

    /// Returns when both messages have gone and come.
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
            // Messages move on only while someone looks; asleep for too long, they stand still.
            if looks > 20 { usleep(20) }
        }
    }
}
