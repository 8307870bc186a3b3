/* A clock that a test can step: preloaded, it adds to the system's time what stands in the file that
 * STEPPING_CLOCK names: milliseconds, as a signed 64-bit number of this machine. Other clocks go on as they do. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *step_ms;

__attribute__((constructor)) static void open_step(void) {
    const char *path = getenv("STEPPING_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *step_ms, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) {
        fputs("stepping clock: STEPPING_CLOCK names no file of eight bytes\n", stderr);
        _exit(99);
    }
    close(file);
    step_ms = map;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (failed || clock != CLOCK_REALTIME || !step_ms) return (int)failed;
    int64_t ms = *step_ms;
    now->tv_sec += ms / 1000;
    now->tv_nsec += (ms % 1000) * 1000000;
    if (now->tv_nsec < 0) now->tv_sec -= 1, now->tv_nsec += 1000000000;
    if (now->tv_nsec >= 1000000000) now->tv_sec += 1, now->tv_nsec -= 1000000000;
    return 0;
}
