// Preloaded into a program, ends it at a file-system call and removes unsynced changes from a
// folder, as a power cut may.
//
//   DISK_FOLDER   the folder, an absolute path; calls on it and on files directly in it count
//   DISK_CALL     the call before which the program ends, from 1; half of a write is made first. 0: never
//   DISK_LOSS     nothing: a killed process; data: contents revert to their last fsync, names stay;
//                 names: names revert to the folder's last fsync, too
//   DISK_SHADOW   an empty folder on the same file system, for synced contents
//   DISK_COUNT    a file for the number of calls, written if the program ends by itself
//
// Files that exist at the start count as synced. cc -shared -fPIC -O1 -o failing_disk.so
// failing_disk.c -ldl

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS = 4096 };

static const char *folder, *shadow, *loss, *count_path;
static long fatal_call, calls;
static char is_watched[DESCRIPTORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Whether this thread is in one of the functions below, whose own calls are not counted.
static __thread int inside;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int lies_in_folder(const char *path) {
    size_t length = strlen(folder);
    if (!path || strncmp(path, folder, length)) return 0;
    return !path[length] || (path[length] == '/' && !strchr(path + length + 1, '/'));
}

static int is_counted(int descriptor) {
    return folder && !inside && descriptor >= 0 && descriptor < DESCRIPTORS && is_watched[descriptor];
}

static void copy_content(const char *from, const char *to) {
    char buffer[1 << 16];
    int source = open(from, O_RDONLY), target = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t count;
    while (source >= 0 && target >= 0 && (count = read(source, buffer, sizeof buffer)) > 0)
        if (write(target, buffer, count) != count) abort();
    close(source);
    close(target);
}

// The copy of a file's content at its last fsync, by its inode.
static const char *synced_copy(ino_t inode, char *path) {
    snprintf(path, PATH_MAX, "%s/data-%lu", shadow, (unsigned long)inode);
    return path;
}

// Keeps an inode alive by a hard link, so that its number is not reused, and returns it; 0 if it is
// not a file.
static ino_t hold(const char *path) {
    char held[PATH_MAX];
    struct stat status;
    if (stat(path, &status) || !S_ISREG(status.st_mode)) return 0;
    snprintf(held, sizeof held, "%s/held-%lu", shadow, (unsigned long)status.st_ino);
    linkat(AT_FDCWD, path, AT_FDCWD, held, AT_SYMLINK_FOLLOW);
    return status.st_ino;
}

static void for_each_name(void (*body)(const char *path, const char *name, FILE *list), FILE *list) {
    DIR *names = opendir(folder);
    struct dirent *entry;
    while (names && (entry = readdir(names))) {
        char path[PATH_MAX];
        if (entry->d_type != DT_REG) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        body(path, entry->d_name, list);
    }
    if (names) closedir(names);
}

static void note_name(const char *path, const char *name, FILE *list) {
    struct stat status;
    if (!stat(path, &status)) fprintf(list, "%lu %s\n", (unsigned long)status.st_ino, name);
}

static void sync_names(void) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/names", shadow);
    FILE *list = fopen(path, "w");
    if (!list) abort();
    for_each_name(note_name, list);
    fclose(list);
}

static void sync_content(const char *path) {
    char copy[PATH_MAX];
    ino_t inode = hold(path);
    if (inode) copy_content(path, synced_copy(inode, copy));
}

static void sync_existing(const char *path, const char *name, FILE *list) {
    (void)name, (void)list;
    sync_content(path);
}

static void lose_content(const char *path, const char *name, FILE *list) {
    (void)name, (void)list;
    char copy[PATH_MAX];
    struct stat status;
    if (stat(path, &status)) return;
    synced_copy(status.st_ino, copy);
    if (access(copy, F_OK))
        truncate(path, 0);
    else
        copy_content(copy, path);
}

static void remove_name(const char *path, const char *name, FILE *list) {
    (void)name, (void)list;
    unlink(path);
}

// Restores the names of the folder's last fsync, each with the content of its file's last fsync.
static void lose_names(void) {
    char path[PATH_MAX], name[NAME_MAX + 1], copy[PATH_MAX];
    unsigned long inode;
    snprintf(path, sizeof path, "%s/names", shadow);
    FILE *list = fopen(path, "r");
    if (!list) abort();
    for_each_name(remove_name, NULL);
    while (fscanf(list, "%lu %255[^\n]", &inode, name) == 2) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        copy_content(synced_copy(inode, copy), path);
    }
    fclose(list);
}

static void end_program(void) {
    if (!strcmp(loss, "data")) for_each_name(lose_content, NULL);
    if (!strcmp(loss, "names")) lose_names();
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

// Counts a call and returns whether it is the last one.
static int is_last(void) {
    pthread_mutex_lock(&lock);
    int last = ++calls == fatal_call;
    // At the last call the lock stays held, so that other threads wait here for the end.
    if (!last) pthread_mutex_unlock(&lock);
    return last;
}

static void count_call(void) {
    if (is_last()) {
        inside = 1;
        end_program();
    }
}

__attribute__((constructor)) static void begin(void) {
    folder = getenv("DISK_FOLDER");
    shadow = getenv("DISK_SHADOW");
    loss = getenv("DISK_LOSS");
    count_path = getenv("DISK_COUNT");
    const char *call = getenv("DISK_CALL");
    fatal_call = call ? atol(call) : 0;
    if (!folder || !shadow || !loss) {
        folder = NULL;
        return;
    }
    inside = 1;
    for_each_name(sync_existing, NULL);
    sync_names();
    inside = 0;
}

__attribute__((destructor)) static void finish(void) {
    inside = 1;
    FILE *file = folder && count_path ? fopen(count_path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", calls);
    fclose(file);
}

static void watch(int descriptor, const char *path) {
    if (descriptor < 0 || descriptor >= DESCRIPTORS) return;
    is_watched[descriptor] = 1;
    inside = 1;
    hold(path);
    inside = 0;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;                                                       \
        va_end(arguments);                                                                                             \
        int counts = folder && !inside && lies_in_folder(path);                                                        \
        if (counts) count_call();                                                                                      \
        int descriptor = REAL(name)(path, flags, mode);                                                                \
        if (counts) watch(descriptor, path);                                                                           \
        return descriptor;                                                                                             \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
    int name(int at, const char *path, int flags, ...) {                                                               \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;                                                       \
        va_end(arguments);                                                                                             \
        int counts = folder && !inside && lies_in_folder(path);                                                        \
        if (counts) count_call();                                                                                      \
        int descriptor = REAL(name)(at, path, flags, mode);                                                            \
        if (counts) watch(descriptor, path);                                                                           \
        return descriptor;                                                                                             \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (is_counted(descriptor) && is_last()) {
        inside = 1;
        REAL(write)(descriptor, bytes, count / 2);
        end_program();
    }
    return REAL(write)(descriptor, bytes, count);
}

#define PWRITE(name, offset_type)                                                                                      \
    ssize_t name(int descriptor, const void *bytes, size_t count, offset_type offset) {                               \
        if (is_counted(descriptor) && is_last()) {                                                                     \
            inside = 1;                                                                                                \
            REAL(name)(descriptor, bytes, count / 2, offset);                                                          \
            end_program();                                                                                             \
        }                                                                                                              \
        return REAL(name)(descriptor, bytes, count, offset);                                                           \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define SYNC(name)                                                                                                     \
    int name(int descriptor) {                                                                                         \
        int counts = is_counted(descriptor);                                                                           \
        if (counts) count_call();                                                                                      \
        int code = REAL(name)(descriptor);                                                                             \
        if (counts && !code) {                                                                                         \
            char link[64], path[PATH_MAX];                                                                             \
            inside = 1;                                                                                                \
            snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);                                               \
            ssize_t length = readlink(link, path, sizeof path - 1);                                                    \
            path[length < 0 ? 0 : length] = 0;                                                                         \
            if (!strcmp(path, folder)) sync_names(); else sync_content(path);                                          \
            inside = 0;                                                                                                \
        }                                                                                                              \
        return code;                                                                                                   \
    }
SYNC(fsync)
SYNC(fdatasync)

int close(int descriptor) {
    if (is_counted(descriptor)) {
        count_call();
        is_watched[descriptor] = 0;
    }
    return REAL(close)(descriptor);
}

#define TRUNCATE(name, offset_type)                                                                                    \
    int name(int descriptor, offset_type length) {                                                                     \
        if (is_counted(descriptor)) count_call();                                                                      \
        return REAL(name)(descriptor, length);                                                                         \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int rename(const char *from, const char *to) {
    if (folder && !inside && (lies_in_folder(from) || lies_in_folder(to))) count_call();
    return REAL(rename)(from, to);
}

#define REMOVE(name)                                                                                                   \
    int name(const char *path) {                                                                                       \
        if (folder && !inside && lies_in_folder(path)) count_call();                                                   \
        return REAL(name)(path);                                                                                       \
    }
REMOVE(unlink)
REMOVE(remove)

int unlinkat(int at, const char *path, int flags) {
    if (folder && !inside && lies_in_folder(path)) count_call();
    return REAL(unlinkat)(at, path, flags);
}
