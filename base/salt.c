// SPDX-License-Identifier: MIT
#include "base/salt.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"

uint64_t salt_draw(void) {
    uint64_t salt;
    if (getrandom(&salt, sizeof salt, GRND_NONBLOCK) == sizeof salt)
        return salt;
    const struct clock clock = clock_system();
    const uint64_t instant[] = {(uint64_t)clock.wall(clock.self), clock.monotonic(clock.self),
                                (uint64_t)getpid()};
    return digest_of((struct str){(const char *)instant, sizeof instant}).low;
}
