/// Traverses a file's groups and object headers for an `HDF5Metadata`.
struct MetadataReader {
    /// More objects than any file of this program has, few enough for the memory.
    private static let largestObjectCount = 100_000
    private static let largestDepth = 16

    private let path: String
    private let byteCount: Int
    private let read: (_ offset: Int, _ count: Int) throws -> [UInt8]
    /// The remaining number of bytes that may be read, and that all strings together may have:
    /// blocks can overlap, and attributes can share a string.
    private var budget = 1 << 26
    private var textBudget = 1 << 26
    /// The addresses of the blocks read so far.
    private var visited: Set<Int> = []
    private var heaps: [Int: MetadataBlock] = [:]
    private var memberCount = 0
    private var found: [String: HDF5Metadata.Object] = [:]

    init(path: String, byteCount: Int, read: @escaping (Int, Int) throws -> [UInt8]) {
        self.path = path
        self.byteCount = byteCount
        self.read = read
    }

    /// All objects, by their paths.
    mutating func objects() throws -> [String: HDF5Metadata.Object] {
        let block = try block(at: 0, count: min(96, byteCount))
        guard block.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) else {
            throw error("it is not an HDF5 file: its signature is missing")
        }
        guard block.count == 96 else { throw error("it ends after \(byteCount) bytes: it is truncated") }
        guard try block.number(at: 8, 1) == 0, try block.number(at: 13, 1) == 8,
            try block.number(at: 14, 1) == 8, try block.number(at: 24, 8) == 0
        else { throw error("its superblock is not as this program writes it") }
        let end = try block.number(at: 40, 8)
        guard end <= byteCount else {
            throw error("it ends after \(byteCount) of \(end) bytes: it is truncated")
        }
        try readObject(at: try block.number(at: 64, 8), path: "", depth: 0)
        return found
    }

    // MARK: - Objects

    private mutating func readObject(at address: Int, path name: String, depth: Int) throws {
        guard depth <= Self.largestDepth else {
            throw error("its groups are nested more than \(Self.largestDepth) deep")
        }
        var header = ObjectHeader()
        for message in try messages(of: address) { try header.take(message) { try text(of: $0) } }
        var object = HDF5Metadata.Object(attributes: header.attributes)
        if let table = header.symbolTable {
            let members = try members(tree: table.tree, heap: table.heap)
            object.members = members.map(\.name).sorted()
            found[name] = object
            for member in members {
                let inner = name.isEmpty ? member.name : "\(name)/\(member.name)"
                guard found[inner] == nil else { throw error("'\(inner)' occurs twice") }
                try readObject(at: member.address, path: inner, depth: depth + 1)
            }
        } else {
            object.dataset = try header.dataset(in: path, byteCount: byteCount)
            found[name] = object
        }
    }

    /// The messages of an object header of version 1, which may continue in other blocks.
    private mutating func messages(of address: Int) throws -> [HeaderMessage] {
        let prefix = try newBlock(at: address, count: 16)
        guard try prefix.number(at: 0, 1) == 1 else { throw error("an object header is not of version 1") }
        var left = try prefix.number(at: 2, 2)
        // Eight bytes of padding lie between the prefix and the first message.
        var parts = [(address: try sum(address, 16), count: try prefix.number(at: 8, 4))]
        var messages: [HeaderMessage] = []
        while !parts.isEmpty, left > 0 {
            let part = parts.removeFirst()
            let block = try newBlock(at: part.address, count: part.count)
            var position = 0
            while position + 8 <= block.count, left > 0 {
                let message = HeaderMessage(
                    type: try block.number(at: position, 2), flags: try block.number(at: position + 4, 1),
                    block: try block.part(position + 8, count: try block.number(at: position + 2, 2)))
                if message.type == HeaderMessage.continuation {
                    parts.append((try message.block.number(at: 0, 8), try message.block.number(at: 8, 8)))
                }
                messages.append(message)
                position += 8 + message.block.count
                left -= 1
            }
        }
        return messages
    }

    // MARK: - Groups

    private mutating func members(tree: Int, heap address: Int) throws -> [(name: String, address: Int)] {
        let head = try newBlock(at: address, count: 32)
        guard head.starts(with: Array("HEAP".utf8)) else {
            throw error("the heap of a group's names is damaged")
        }
        let names = try newBlock(at: try head.number(at: 24, 8), count: try head.number(at: 8, 8))
        return try members(node: tree, names: names, depth: 0)
    }

    /// The members below a node of a group's B-tree of version 1.
    private mutating func members(
        node address: Int, names: MetadataBlock, depth: Int
    ) throws -> [(name: String, address: Int)] {
        guard depth <= Self.largestDepth else {
            throw error("a group's tree is more than \(Self.largestDepth) deep")
        }
        let head = try newBlock(at: address, count: 24)
        guard head.starts(with: Array("TREE".utf8)), try head.number(at: 4, 1) == 0 else {
            throw error("a group's tree is damaged")
        }
        let (level, count) = (try head.number(at: 5, 1), try head.number(at: 6, 2))
        // Keys and children alternate, with a key at both ends.
        let entries = try block(at: try sum(address, 24), count: 16 * count + 8)
        var members: [(name: String, address: Int)] = []
        for index in 0..<count {
            let child = try entries.number(at: 16 * index + 8, 8)
            members +=
                level == 0
                ? try self.members(table: child, names: names)
                : try self.members(node: child, names: names, depth: depth + 1)
        }
        return members
    }

    private mutating func members(
        table address: Int, names: MetadataBlock
    ) throws -> [(name: String, address: Int)] {
        let head = try newBlock(at: address, count: 8)
        guard head.starts(with: Array("SNOD".utf8)), try head.number(at: 4, 1) == 1 else {
            throw error("a group's table is damaged")
        }
        let count = try head.number(at: 6, 2)
        memberCount += count
        guard memberCount <= Self.largestObjectCount else { throw error("it has too many objects") }
        let entries = try block(at: try sum(address, 8), count: 40 * count)
        var members: [(name: String, address: Int)] = []
        for index in 0..<count {
            // 0 is an object of this file, 1 a group in it, 2 a symbolic link.
            guard try entries.number(at: 40 * index + 16, 4) < 2 else {
                throw error("it contains symbolic links")
            }
            let name = try names.name(at: try entries.number(at: 40 * index, 8))
            guard !name.isEmpty, !name.contains("/") else { throw error("an object has no name") }
            members.append((name, try entries.number(at: 40 * index + 8, 8)))
        }
        return members
    }

    // MARK: - Variable-length strings

    /// The string that a variable-length value points at with its length and its place in a global
    /// heap.
    private mutating func text(of value: MetadataBlock) throws -> String {
        let count = try value.number(at: 0, 4)
        if count == 0 { return "" }
        let (address, index) = (try value.number(at: 4, 8), try value.number(at: 12, 4))
        let heap = try globalHeap(at: address)
        var position = 16
        while position + 16 <= heap.count {
            let (number, length) = (try heap.number(at: position, 2), try heap.number(at: position + 8, 8))
            guard number != 0 else { break }
            if number == index {
                textBudget -= count
                guard count <= length, textBudget >= 0 else { break }
                let bytes = try heap.part(position + 16, count: count)
                return String(decoding: bytes.bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            position = try sum(position, try sum(16, try sum(length, 7) & ~7))
        }
        throw error("a string is missing in its heap")
    }

    private mutating func globalHeap(at address: Int) throws -> MetadataBlock {
        if let heap = heaps[address] { return heap }
        let head = try newBlock(at: address, count: 16)
        guard head.starts(with: Array("GCOL".utf8)) else { throw error("a heap of strings is damaged") }
        let heap = try block(at: address, count: try head.number(at: 8, 8))
        heaps[address] = heap
        return heap
    }

    // MARK: - Blocks

    /// A block that has not been read yet.
    private mutating func newBlock(at address: Int, count: Int) throws -> MetadataBlock {
        let block = try block(at: address, count: count)
        guard visited.insert(address).inserted else { throw error("its blocks form a cycle") }
        return block
    }

    private mutating func block(at address: Int, count: Int) throws -> MetadataBlock {
        guard count >= 0, address >= 0, count <= byteCount, address <= byteCount - count else {
            throw error("a block of \(count) bytes at \(address) lies outside its \(byteCount) bytes")
        }
        guard count <= budget else { throw error("its headers take more than 64 MiB") }
        budget -= count
        return MetadataBlock(bytes: try read(address, count)[...], path: path)
    }

    private func sum(_ one: Int, _ other: Int) throws(HDF5Error) -> Int {
        let (sum, overflows) = one.addingReportingOverflow(other)
        guard !overflows else { throw error("an address overflows") }
        return sum
    }

    private func error(_ reason: String) -> HDF5Error {
        HDF5Error(action: "open", file: path, reason: reason)
    }
}
