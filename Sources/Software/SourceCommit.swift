// The values are in a file that `record-source` writes during the build. A function that is never
// inlined keeps them out of other modules, so a new commit recompiles this module alone.

/// See `SoftwareRecord.commit`.
@inline(never) func sourceCommit() -> String { recordedCommit }

/// See `SoftwareRecord.compiler`.
@inline(never) func compilerVersion() -> String { recordedCompiler }
