// SPDX-License-Identifier: MIT
#include "stages/record/reader_trail.h"

#include "base/mem.h"

enum { TRAILS = 8 }; // a worker takes part in so many passes at once, and more

static void free_trail(struct trail *trail) {
    arena_release(&trail->arena);
    mem_free(trail);
}

void trail_free_all(struct trail *trails) {
    for (struct trail *older; trails; trails = older) {
        older = trails->older;
        free_trail(trails);
    }
}

static struct trail_step *new_step(struct trail *trail) {
    if (trail->steps >= TRAIL_STEPS)
        return NULL;
    struct trail_step *step = ARENA_NEW(&trail->arena, struct trail_step);
    trail->steps += step != NULL;
    return step;
}

static struct trail *new_trail(const struct projection *projection) {
    struct trail *trail = MEM_NEW(struct trail);
    arena_init(&trail->arena, 0);
    trail->projection = projection;
    trail->root = new_step(trail);
    return trail;
}

struct trail *trail_of(struct trail **trails, const struct projection *projection) {
    struct trail **at = trails, *found;
    for (int n = 1; *at && (*at)->projection != projection && n < TRAILS; n++)
        at = &(*at)->older;
    found = *at;
    if (found)
        *at = found->older;
    if (found && found->projection != projection) {
        free_trail(found); // the one that has not been used for longest
        found = NULL;
    }
    if (!found)
        found = new_trail(projection);
    found->older = *trails;
    return *trails = found;
}

struct trail_step *trail_inside(struct trail *trail, struct trail_step *step) {
    if (!step->inside)
        step->inside = new_step(trail);
    return step->inside;
}

static struct trail_step *add_follower(struct trail *trail, struct trail_step *step, struct str key,
                                       const struct projection *within) {
    if (step->followers_n >= TRAIL_FOLLOWERS)
        return NULL;
    struct trail_step *follower = new_step(trail);
    if (!follower || !member_make(&trail->arena, key, &follower->member))
        return NULL;
    follower->want = projection_find(within, key);
    follower->next = step->followers;
    step->followers = follower;
    step->followers_n++;
    return follower;
}

struct trail_step *trail_follow(struct trail *trail, struct trail_step *step, struct str key,
                                const struct projection *within) {
    struct trail_step *follower = step->followers;
    while (follower && !str_equal(member_key(&follower->member), key))
        follower = follower->next;
    if (!follower)
        follower = add_follower(trail, step, key, within);
    if (follower)
        step->guess = follower;
    return follower;
}
