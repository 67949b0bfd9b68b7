#pragma once
#include <archive.h>
#include <archive_entry.h>

// A macro with a cast, which Swift does not import.
static inline int CARCHIVE_IS_REGULAR_FILE(struct archive_entry *entry) {
    return archive_entry_filetype(entry) == AE_IFREG;
}

// As above.
static inline int CARCHIVE_IS_FOLDER(struct archive_entry *entry) {
    return archive_entry_filetype(entry) == AE_IFDIR;
}
