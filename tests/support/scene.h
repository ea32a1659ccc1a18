// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_SCENE_H
#define PRESSRUN_TESTS_SUPPORT_SCENE_H
/*
 * A directory of one test, on a tmpfs where there is one, and what a test asks about files in it. Whatever goes
 * wrong here fails the test.
 */
#include "base/buf.h"
#include "base/fs.h"

struct scene {
    char path[256];
    int root;
    struct fs fs; // the system's; a test may put another one here
};

void scene_open(struct scene *scene);
void scene_close(struct scene *scene); // removes it with all that is in it

void put_file(const struct scene *scene, const char *path, const void *p, size_t n);
void put_text(const struct scene *scene, const char *path, const char *text);
struct buf get_file(const struct scene *scene, const char *path); // owned; p is NULL where there is none
void assert_file(const struct scene *scene, const char *path, const char *text);
int count_files(int dir, const char *suffix); // below a directory; with `suffix` only names that end so
int count_temporaries(const struct scene *scene);

char *pattern(size_t n, unsigned seed); // text with a NUL, owned

#endif
