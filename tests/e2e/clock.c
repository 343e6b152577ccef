/* The clocks of the program under test.

   The wall clock is shifted by the seconds in the file $E2E_CLOCK, read at every call, so that the shipped binary lives
   through a day of ticks in seconds; where the text begins with '=' it is the time, which stands still.

   A wait that ends because its time is over takes a part of it, one of $E2E_HASTE, and monotonic time then jumps over
   the rest: the pace of calls, pauses and time-outs cost no minutes. A wait that ends because something happened takes as
   long as it takes.

   With $E2E_SPEED all of monotonic time goes by so many times as fast, whatever happens in it: a story that measures how
   long things take costs a part of that time. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND 1000000LL
#define SECOND 1000000000LL

static _Atomic long long jumped;
static _Atomic long long began;

static long long factor(const char *name) {
    const char *text = getenv(name);
    return text && atoi(text) > 1 ? atoi(text) : 1;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed) return failed;
    if (clock == CLOCK_MONOTONIC) {
        long long real = now->tv_sec * SECOND + now->tv_nsec, none = 0;
        atomic_compare_exchange_strong(&began, &none, real);
        long long shown = began + (real - began) * factor("E2E_SPEED") + jumped;
        *now = (struct timespec){.tv_sec = shown / SECOND, .tv_nsec = shown % SECOND};
        return 0;
    }
    const char *path = getenv("E2E_CLOCK");
    if (clock != CLOCK_REALTIME || !path) return 0;
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

int epoll_wait(int file, struct epoll_event *events, int most, int timeout_ms) {
    int speed = (int)factor("E2E_SPEED"), haste = speed > 1 ? speed : (int)factor("E2E_HASTE");
    int part_ms = timeout_ms > 0 ? (timeout_ms + haste - 1) / haste : timeout_ms;
    int happened = (int)syscall(SYS_epoll_pwait, file, events, most, part_ms, NULL, 0);
    if (happened == 0 && timeout_ms > 0 && speed == 1) jumped += (timeout_ms - part_ms) * MILLISECOND;
    return happened;
}
