// Preloaded into a program, simulates a file system that stalls one call, or stops the whole
// process in it.
//
//   STALL_CALL      pread or write
//   STALL_PATH      a part of the file's path
//   STALL_AFTER     number of such calls before it
//   STALL_SECONDS   duration of the call; 0: the process gets SIGSTOP
//   STALL_RANK      the affected rank of mpirun
//
// cc -shared -fPIC -O1 -o stalling_disk.so stalling_disk.c -ldl

#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void stall(const char *call, int descriptor) {
    static int count;
    const char *wanted = getenv("STALL_CALL"), *part = getenv("STALL_PATH"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!wanted || strcmp(wanted, call) || !rank || strcmp(rank, getenv("STALL_RANK"))) return;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (!strstr(path, part) || __sync_add_and_fetch(&count, 1) != atoi(getenv("STALL_AFTER")) + 1) return;
    int seconds = atoi(getenv("STALL_SECONDS"));
    if (!seconds) kill(getpid(), SIGSTOP);
    // A signal interrupts a sleep, but not a stalled disk.
    struct timespec left = {.tv_sec = seconds};
    while (seconds && nanosleep(&left, &left)) {}
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) {
    stall("pread", descriptor);
    return REAL(pread)(descriptor, bytes, count, offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset) {
    stall("pread", descriptor);
    return REAL(pread64)(descriptor, bytes, count, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    stall("write", descriptor);
    return REAL(write)(descriptor, bytes, count);
}
