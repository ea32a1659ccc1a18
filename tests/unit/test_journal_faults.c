// SPDX-License-Identifier: MIT
// A journal that was refused, killed, without power or read meanwhile: entries may be missing, none is wrong.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/journal_format.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/journal_run.h"
#include "tests/support/lossy_fs.h"
#include "tests/support/scene.h"

// Refusals and kills -------------------------------------------------------------------------------------------

struct progress {
    int appended; // outputs 0..appended-1 are known to be in the file
    bool opened;
};

// A run that brings everything up: appends, ends, compacts.
static void whole_run(const struct fs *fs, int root, struct progress *progress) {
    struct journal *journal;
    struct journal_found found;
    struct err err;
    progress->opened = journal_open(run_options(fs, root, true), &journal, &found, &err) == STATUS_OK;
    if (!progress->opened)
        return;
    for (int i = 0; i < 4; i++)
        if (run_append(journal, i * 3, i * 3 + 3, 2, i == 2, &err) == STATUS_OK &&
            progress->appended == i * 3)
            progress->appended = i * 3 + 3;
    journal_end_run(journal, true, 3, &err);
    journal_compact(journal, &err);
    if (run_append(journal, 12, 15, 2, false, &err) == STATUS_OK && progress->appended == 12)
        progress->appended = 15;
    journal_close(journal);
}

static void check_after(const struct scene *scene, const struct progress *progress, bool had_sample) {
    struct journal_found found;
    struct journal_reader reader;
    struct journal *journal = run_open(&scene->fs, scene->root, true, &found);
    journal_reader_init(&reader, journal);
    for (int i = 0; i < 20; i++) {
        int version = run_found(&reader, i, 2);
        if (i < progress->appended)
            assert_int_equal(version, 2);
        else if (had_sample && i < RUN_SAMPLE)
            assert_true(version > 0);
    }
    journal_reader_release(&reader);
    journal_close(journal);
}

static bool refused_run(const struct buf *file, int fail_at, int error, bool stays, bool is_short) {
    struct scene scene = run_scene();
    struct faulty faulty;
    struct progress progress = {0};
    if (file)
        put_file(&scene, JOURNAL_FILE, file->p, file->n);
    struct fs fs = faulty_fs(&faulty, fail_at, error);
    faulty.stays = stays;
    faulty.is_short = is_short;
    whole_run(&fs, scene.root, &progress);
    assert_int_equal(faulty.open_files, 0);
    check_after(&scene, &progress, file != NULL);
    if (!faulty.hit)
        assert_int_equal(progress.appended, 15);
    scene_close(&scene);
    return faulty.hit;
}

static void every_call_refused(void **state) {
    (void)state;
    struct buf file = run_sample();
    static const int errors[] = {EIO, ENOSPC};
    for (int kind = 0; kind < 16; kind++) {
        int at = 1;
        while (refused_run(kind & 1 ? &file : NULL, at, errors[kind >> 1 & 1], kind & 4, kind & 8))
            at++;
        assert_true(at > 25);
    }
    buf_release(&file);
}

static void a_full_disk_leaves_whole_records(void **state) {
    (void)state;
    for (int writes = 2; writes < 12; writes++) {
        struct scene scene = run_scene();
        struct faulty faulty;
        struct progress progress = {0};
        struct fs fs = faulty_fs(&faulty, 0, 0);
        faulty.fills_up = writes;
        faulty.stays_full = true;
        whole_run(&fs, scene.root, &progress);
        check_after(&scene, &progress, false);
        scene_close(&scene);
    }
}

struct odd { // a disk that takes 501 bytes of the next write, and then none once
    int fault;
    bool also_truncate;
};

static ssize_t odd_write(void *self, int fd, const void *p, size_t n) {
    struct odd *odd = self;
    if (odd->fault == 1) {
        odd->fault = 0;
        return -ENOSPC;
    }
    if (odd->fault == 2)
        odd->fault = 1;
    return write(fd, p, odd->fault && n > 501 ? 501 : n);
}

static int odd_truncate(void *self, int fd, off_t size) {
    return ((struct odd *)self)->also_truncate ? -EIO : ftruncate(fd, size);
}

static void a_torn_append_is_cut_off(void **state) {
    (void)state;
    for (int refused = 0; refused < 2; refused++) {
        struct scene scene = run_scene();
        struct odd odd = {0};
        struct fs fs = scene.fs;
        struct journal_found found;
        struct err err;
        fs.self = &odd;
        fs.write = odd_write;
        fs.truncate = odd_truncate;
        struct journal *journal = run_open(&fs, scene.root, true, &found);
        run_put(journal, 0, 10, 1);
        uint64_t bytes = journal_figures(journal).bytes;
        odd = (struct odd){.fault = 2, .also_truncate = refused};
        assert_int_equal(run_append(journal, 10, 20, 1, false, &err), STATUS_IO);
        assert_int_equal(err.os, ENOSPC);
        struct buf file = get_file(&scene, JOURNAL_FILE);
        assert_int_equal(file.n, bytes + (refused ? 501 : 0));
        buf_release(&file);
        enum status status = run_append(journal, 20, 30, 1, false, &err);
        assert_int_equal(status, refused ? STATUS_IO : STATUS_OK); // nothing goes behind what is torn
        journal_close(journal);
        odd.also_truncate = false;
        journal = run_open(&fs, scene.root, true, &found);
        assert_int_equal(found.damaged, 0);
        assert_int_equal(found.torn_bytes > 0, refused);
        assert_true(run_count(journal, 30, 1) >= (refused ? 10 : 20));
        journal_close(journal);
        scene_close(&scene);
    }
}

static void killed_at_every_call(void **state) {
    (void)state;
    struct buf file = run_sample();
    int at = 1;
    for (int code = FAULTY_DIED; code == FAULTY_DIED; at++) {
        struct scene scene = run_scene();
        struct progress progress = {0};
        put_file(&scene, JOURNAL_FILE, file.p, file.n);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct faulty faulty;
            struct fs fs = faulty_fs(&faulty, at, 0);
            faulty.dies = true;
            whole_run(&fs, scene.root, &progress);
            _exit(progress.appended == 15 ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        code = WEXITSTATUS(status);
        check_after(&scene, &progress, true);
        whole_run(&scene.fs, scene.root, &progress); // and the next run is as any other
        assert_int_equal(progress.appended, 15);
        check_after(&scene, &progress, true);
        assert_int_equal(faccessat(scene.root, JOURNAL_NEW_FILE, F_OK, 0), -1);
        assert_true(code == FAULTY_DIED || code == 0);
        scene_close(&scene);
    }
    assert_true(at > 25);
    buf_release(&file);
}

// Loss of power ------------------------------------------------------------------------------------------------

static void check_lost(struct lossy *lossy, const struct scene *after, const char *what) {
    struct progress *progress = lossy->context;
    (void)what;
    check_after(after, progress, true);
}

static void synced_entries_survive_a_loss_of_power(void **state) {
    (void)state;
    struct buf file = run_sample();
    struct scene scene = run_scene();
    struct journal_found found;
    struct progress progress = {0};
    struct err err;
    put_file(&scene, JOURNAL_FILE, file.p, file.n);
    struct lossy *lossy = MEM_NEW(struct lossy);
    lossy->lost = check_lost;
    lossy->context = &progress;
    struct fs fs = lossy_fs(lossy, &scene);
    struct journal *journal = run_open(&fs, scene.root, true, &found);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(run_append(journal, i * 3, i * 3 + 3, 2, true, &err), STATUS_OK);
        progress.appended = i * 3 + 3;
        if (i == 2) {
            assert_int_equal(journal_end_run(journal, false, 3, &err), STATUS_OK);
            assert_int_equal(journal_compact(journal, &err), STATUS_OK);
        }
    }
    lossy_check(lossy, "the end");
    assert_int_equal(lossy->syncs, 6);
    assert_true(lossy->outcomes > 10);
    journal_close(journal);
    lossy_release(lossy);
    mem_free(lossy);
    scene_close(&scene);
    buf_release(&file);
}

// Readers ------------------------------------------------------------------------------------------------------

struct reading {
    struct scene *scene;
    atomic_int versions; // the highest there may be
    atomic_int appended; // outputs that must be there
    atomic_bool stop;
    atomic_int passes;
};

static void *read_along(void *context) {
    struct reading *r = context;
    while (!atomic_load(&r->stop)) {
        struct journal_found found;
        int least = atomic_load(&r->appended);
        struct journal *journal = run_open(&r->scene->fs, r->scene->root, false, &found);
        if (run_count(journal, 200, 9) < least)
            fail_msg("a reader missed outputs");
        journal_close(journal);
        atomic_fetch_add(&r->passes, 1);
    }
    return NULL;
}

static void readers_see_whole_entries_while_a_run_appends(void **state) {
    (void)state;
    struct scene scene = run_scene();
    struct reading r = {.scene = &scene};
    struct journal_found found;
    struct err err;
    pthread_t threads[2];
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &r), 0);
    for (int version = 1; version < 10 || atomic_load(&r.passes) < 20; version++) {
        for (int i = 0; i < 200; i += 10) {
            run_put(journal, i, i + 10, version < 9 ? version : 9);
            if (version == 1)
                atomic_store(&r.appended, i + 10);
        }
        assert_int_equal(journal_end_run(journal, true, version, &err), STATUS_OK);
        if (version % 3 == 0)
            assert_int_equal(journal_compact(journal, &err), STATUS_OK);
    }
    atomic_store(&r.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    journal_close(journal);
    scene_close(&scene);
}

struct worker {
    struct journal *journal;
    const struct journal_recipe *recipe;
    int first, failed;
};

// Finds what was there and appends what is new, every fourth ten of outputs.
static void *work(void *context) {
    struct worker *w = context;
    struct journal_reader reader;
    struct journal_batch batch = {.entries = 0};
    struct err err;
    journal_reader_init(&reader, w->journal);
    for (int i = w->first * 10; i < 1000; i += i % 10 == 9 ? 31 : 1) {
        char room[64];
        uint64_t fields[RUN_FIELDS];
        struct journal_entry entry;
        w->failed += !journal_find(&reader, run_path(i, room), &entry) || !run_is_entry(&entry, i, 1);
        if (i % 3 == 0)
            journal_see(w->journal, entry.number);
        if (i % 3 == 1) {
            entry = run_entry(i, 2, room, fields);
            entry.recipe = w->recipe;
            w->failed += !journal_batch_add(&batch, w->journal, &entry, fields);
        }
        if (batch.entries == 7)
            w->failed += journal_append(w->journal, &batch, false, &err) != STATUS_OK;
    }
    w->failed += journal_append(w->journal, &batch, false, &err) != STATUS_OK;
    journal_batch_release(&batch);
    journal_reader_release(&reader);
    return NULL;
}

static void workers_find_and_append_at_the_same_time(void **state) {
    (void)state;
    struct scene scene = run_scene();
    struct journal_found found;
    struct err err;
    struct worker workers[4];
    pthread_t threads[4];
    struct journal_recipe recipe = run_recipe(2);
    const struct journal_recipe *kept;
    struct journal *journal = run_open(&scene.fs, scene.root, true, &found);
    run_put(journal, 0, 1000, 1);
    assert_int_equal(journal_end_run(journal, true, 1, &err), STATUS_OK);
    assert_int_equal(journal_recipe(journal, &recipe, &kept, &err), STATUS_OK);
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){.journal = journal, .recipe = kept, .first = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failed, 0);
    }
    assert_int_equal(journal_end_run(journal, true, 2, &err), STATUS_OK);
    assert_int_equal(journal_figures(journal).outputs, 1000);
    assert_int_equal(journal_figures(journal).left, 333); // i % 3 == 2
    journal_close(journal);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_refused),
        cmocka_unit_test(a_full_disk_leaves_whole_records),
        cmocka_unit_test(a_torn_append_is_cut_off),
        cmocka_unit_test(killed_at_every_call),
        cmocka_unit_test(synced_entries_survive_a_loss_of_power),
        cmocka_unit_test(readers_see_whole_entries_while_a_run_appends),
        cmocka_unit_test(workers_find_and_append_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
