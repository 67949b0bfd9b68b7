/// The operations of pickle protocols 0 to 5, as Python's `pickletools` names them.
enum PickleOpcode: UInt8 {
    case mark = 0x28
    case stop = 0x2E
    case pop = 0x30
    case popMark = 0x31
    case dup = 0x32
    case float = 0x46
    case int = 0x49
    case binInt = 0x4A
    case binInt1 = 0x4B
    case long = 0x4C
    case binInt2 = 0x4D
    case none = 0x4E
    case persistentID = 0x50
    case binPersistentID = 0x51
    case reduce = 0x52
    case string = 0x53
    case binString = 0x54
    case shortBinString = 0x55
    case unicode = 0x56
    case binUnicode = 0x58
    case append = 0x61
    case build = 0x62
    case global = 0x63
    case dict = 0x64
    case appends = 0x65
    case get = 0x67
    case binGet = 0x68
    case longBinGet = 0x6A
    case list = 0x6C
    case put = 0x70
    case binPut = 0x71
    case longBinPut = 0x72
    case setItem = 0x73
    case tuple = 0x74
    case setItems = 0x75
    case binFloat = 0x47
    case emptyTuple = 0x29
    case emptyList = 0x5D
    case emptyDict = 0x7D
    // Protocols 0 and 1: instances of classes, for which protocol 2 uses `newObject`.
    case instance = 0x69
    case object = 0x6F
    // Protocol 2.
    case proto = 0x80
    case newObject = 0x81
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case newTrue = 0x88
    case newFalse = 0x89
    case long1 = 0x8A
    case long4 = 0x8B
    // Protocol 3.
    case binBytes = 0x42
    case shortBinBytes = 0x43
    // Protocol 4.
    case shortBinUnicode = 0x8C
    case binUnicode8 = 0x8D
    case binBytes8 = 0x8E
    case emptySet = 0x8F
    case addItems = 0x90
    case frozenSet = 0x91
    case newObjectWithKeywords = 0x92
    case stackGlobal = 0x93
    case memoize = 0x94
    case frame = 0x95
    // Protocol 5.
    case byteArray8 = 0x96

    /// Whether the operation creates an object without checking the list of constructors, so that
    /// it is refused if there is a list.
    var isForAnyClass: Bool {
        switch self {
        case .instance, .object, .newObjectWithKeywords: true
        default: false
        }
    }

    /// Operations that exist but are refused: they bypass the list of constructors, or refer to
    /// data outside the pickle.
    static let refused: [UInt8: String] = [
        0x69: "INST", 0x6F: "OBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x92: "NEWOBJ_EX",
        0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
    ]
}
