// Preloaded into a program, makes the creation of further threads fail.
//
//   THREADS_FROM   the first of the program's own threads that fails, from 1; later ones fail, too. Threads of libraries are not counted
//   THREADS_RANK   the rank of mpirun in which they fail
//
// cc -shared -fPIC -O1 -o failing_threads.so failing_threads.c -ldl

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// Whether a thread's function is the program's or Foundation's, which starts threads for the
// program.
static int is_own(void *function) {
    Dl_info info;
    if (!dladdr(function, &info) || !info.dli_fname) return 0;
    const char *slash = strrchr(info.dli_fname, '/');
    const char *name = slash ? slash + 1 : info.dli_fname;
    return !strcmp(name, "t2fnorm") || !strncmp(name, "libFoundation", 13);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument) {
    static int count;
    const char *from = getenv("THREADS_FROM"), *wanted = getenv("THREADS_RANK"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    int is_here = from && (!wanted || (rank && !strcmp(wanted, rank)));
    if (is_here && is_own((void *)function) && __sync_add_and_fetch(&count, 1) >= atoi(from)) return EAGAIN;
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    return create(thread, attributes, function, argument);
}
