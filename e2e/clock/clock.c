/* A clock that is ahead of the real one, for a process that is started with this library in LD_PRELOAD: by as many seconds as stand in the file that
   CLOCK_AHEAD names, as eight bytes of this machine. Whoever writes to the file moves the clock of a process that runs. Clocks that measure how long
   something takes are left alone, so that nobody's waits become shorter. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void open_file(void) {
    const char *name = getenv("CLOCK_AHEAD");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        ahead = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    long result = syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && ahead && clock == CLOCK_REALTIME)
        time->tv_sec += *ahead;
    return (int)result;
}
