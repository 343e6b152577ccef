/* Shifts the wall clock of the program under test by the seconds in the file $E2E_CLOCK, read at every call, so that the
   shipped binary lives through a day of ticks in seconds; where these begin with '=' they are the time, which stands
   still. Monotonic time, and with it every time-out, is left alone. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    const char *path = getenv("E2E_CLOCK");
    if (failed || clock != CLOCK_REALTIME || !path) return failed;
    char text[24] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    if (read(file, text, sizeof text - 1) > 0) {
        if (text[0] == '=') *now = (struct timespec){.tv_sec = atoll(text + 1)};
        else now->tv_sec += atoll(text);
    }
    close(file);
    return 0;
}
