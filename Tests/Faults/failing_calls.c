// Preloaded into a program, makes system calls on some files fail, as a file server, a network or a
// disk may temporarily.
//
//   FAULT_CALLS   names, separated by commas: open, stat, fstat, opendir, readdir, pread, write, fsync, close, flock, link
//   FAULT_PATH    a part of the file's path
//   FAULT_ERRNO   the error number; 0: a write succeeds and leaves a wrong bit
//   FAULT_FIRST   the first call that fails, from 1 (default 1)
//   FAULT_COUNT   number of failing calls; 0: all; -1: all until the file is opened again (default 1)
//   FAULT_MARK    a file that is created at the first failure
//
// cc -shared -fPIC -O1 -o failing_calls.so failing_calls.c -ldl

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *calls, *part, *mark;
static int code;
static long first = 1, number = 1, matched, is_healed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Whether this thread is in one of the functions below, whose own calls are not counted.
static __thread int inside;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *text;
    calls = getenv("FAULT_CALLS");
    part = getenv("FAULT_PATH");
    mark = getenv("FAULT_MARK");
    if ((text = getenv("FAULT_ERRNO"))) code = atoi(text);
    if ((text = getenv("FAULT_FIRST"))) first = atol(text);
    if ((text = getenv("FAULT_COUNT"))) number = atol(text);
}

static int is_named(const char *name) {
    size_t length = strlen(name);
    for (const char *at = calls; at && (at = strstr(at, name)); at += length)
        if ((at == calls || at[-1] == ',') && (!at[length] || at[length] == ',')) return 1;
    return 0;
}

// Returns whether this call must fail, and sets errno.
static int fails(const char *name, const char *path) {
    if (!calls || !part || inside || !path || !strstr(path, part) || !is_named(name)) return 0;
    pthread_mutex_lock(&lock);
    long call = ++matched;
    int failing = call >= first && !is_healed && (number <= 0 || call < first + number);
    if (failing && mark) {
        inside = 1;
        FILE *file = fopen(mark, "w");
        if (file) fclose(file);
        inside = 0;
    }
    pthread_mutex_unlock(&lock);
    if (failing) errno = code;
    return failing;
}

static const char *path_of(int descriptor, char *path) {
    char link[64];
    if (!calls || inside) return NULL;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = before;
    if (length < 0) return NULL;
    path[length] = 0;
    return path;
}

static void heal(const char *path) {
    if (number < 0 && part && path && !inside && matched >= first && strstr(path, part)) is_healed = 1;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;                                                       \
        va_end(arguments);                                                                                             \
        heal(path);                                                                                                    \
        return fails("open", path) ? -1 : REAL(name)(path, flags, mode);                                               \
    }
OPEN(open)
OPEN(open64)

#define STAT(name, type)                                                                                               \
    int name(const char *path, struct type *status) {                                                                  \
        return fails("stat", path) ? -1 : REAL(name)(path, status);                                                    \
    }
STAT(stat, stat)
STAT(stat64, stat64)

#define FSTAT(name, type)                                                                                              \
    int name(int descriptor, struct type *status) {                                                                    \
        char path[PATH_MAX];                                                                                           \
        return fails("fstat", path_of(descriptor, path)) ? -1 : REAL(name)(descriptor, status);                        \
    }
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

DIR *opendir(const char *path) { return fails("opendir", path) ? NULL : REAL(opendir)(path); }

#define READDIR(name, type)                                                                                            \
    struct type *name(DIR *folder) {                                                                                   \
        char path[PATH_MAX];                                                                                           \
        return fails("readdir", path_of(dirfd(folder), path)) ? NULL : REAL(name)(folder);                             \
    }
READDIR(readdir, dirent)
READDIR(readdir64, dirent64)

#define PREAD(name, offset_type)                                                                                       \
    ssize_t name(int descriptor, void *bytes, size_t count, offset_type offset) {                                      \
        char path[PATH_MAX];                                                                                           \
        return fails("pread", path_of(descriptor, path)) ? -1 : REAL(name)(descriptor, bytes, count, offset);          \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

ssize_t write(int descriptor, const void *bytes, size_t count) {
    char path[PATH_MAX];
    if (!fails("write", path_of(descriptor, path))) return REAL(write)(descriptor, bytes, count);
    if (code) return -1;
    char *wrong = malloc(count);
    memcpy(wrong, bytes, count);
    wrong[count / 2] ^= 16;
    ssize_t written = REAL(write)(descriptor, wrong, count);
    free(wrong);
    return written;
}

#define SYNC(name)                                                                                                     \
    int name(int descriptor) {                                                                                         \
        char path[PATH_MAX];                                                                                           \
        return fails("fsync", path_of(descriptor, path)) ? -1 : REAL(name)(descriptor);                                \
    }
SYNC(fsync)
SYNC(fdatasync)

// As on Linux, the descriptor is closed even if close reports an error.
int close(int descriptor) {
    char path[PATH_MAX];
    if (!fails("close", path_of(descriptor, path))) return REAL(close)(descriptor);
    REAL(close)(descriptor);
    errno = code;
    return -1;
}

int flock(int descriptor, int operation) {
    char path[PATH_MAX];
    return fails("flock", path_of(descriptor, path)) ? -1 : REAL(flock)(descriptor, operation);
}

int link(const char *from, const char *to) { return fails("link", to) ? -1 : REAL(link)(from, to); }
