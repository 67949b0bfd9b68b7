// Preloaded by cluster/lab/faults: SIGRTMIN puts a process into an endless loop wherever it is.
#include <signal.h>
#include <stddef.h>

static void loop(int number) {
    (void)number;
    for (volatile int i = 0;; i = 1 - i) {}
}

__attribute__((constructor)) static void install(void) {
    struct sigaction action = {.sa_handler = loop};
    sigaction(SIGRTMIN, &action, NULL);
}
