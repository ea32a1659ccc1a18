// SPDX-License-Identifier: MIT
// What is there already: left alone, forced, overwritten in place; and files that are compressed.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "base/mem.h"
#include "stages/emit/inplace.h"
#include "stages/emit/recover.h"
#include "tests/support/emit_job.h"
#include "tests/support/faulty_fs.h"

static ino_t inode_of(const struct scene *scene, const char *path) {
    struct stat st;
    assert_int_equal(fstatat(scene->root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_ino;
}

static struct sink_options files_options(const struct scene *scene, bool force, bool inplace) {
    struct sink_options options = options_for(scene, NULL, NULL);
    options.force = force;
    options.inplace = inplace;
    return options;
}

static void finish(struct job *job) {
    assert_int_equal(job_flush(job), STATUS_OK);
    assert_int_equal(job_close(job, true), STATUS_OK);
}

// Forced -------------------------------------------------------------------------------------------------------
static void forced_files_are_written_whatever_is_there(void **state) {
    (void)state;
    for (int inplace = 0; inplace < 2; inplace++) {
        struct scene scene;
        scene_open(&scene);
        char *big = pattern(3 << 20, 1);
        put_text(&scene, "same", "same");
        put_text(&scene, "large", big);
        ino_t small_inode = inode_of(&scene, "same"), large_inode = inode_of(&scene, "large");
        struct job job;
        job_open(&job, &emit_files, files_options(&scene, true, inplace));
        assert_int_equal(job_text(&job, "same", "same"), STATUS_OK);
        assert_int_equal(job_text(&job, "large", big), STATUS_OK);
        finish(&job);
        assert_result(&job, 2, 0, 4 + (3 << 20));
        assert_int_equal(job.total.stored, 4 + (3 << 20));
        assert_true((inode_of(&scene, "same") == small_inode) == inplace);
        assert_true(inode_of(&scene, "large") != large_inode);
        assert_file(&scene, "same", "same");
        assert_file(&scene, "large", big);
        mem_free(big);
        scene_close(&scene);
    }
}

// Stamps are what whoever looks next finds, however the files came to be.
static void stamps_are_of_the_files_that_are_there(void **state) {
    (void)state;
    static const char *const names[] = {"fresh", "same", "other", "longer"};
    for (int way = 0; way < 4; way++) {
        struct scene scene;
        scene_open(&scene);
        put_text(&scene, "same", "text");
        put_text(&scene, "other", "ruin");
        put_text(&scene, "longer", "longer than that");
        struct sink_options options = files_options(&scene, false, way & 1);
        options.durable = way & 2;
        options.stamped = true;
        struct job job;
        struct lane_result result;
        job_open(&job, &emit_files, options);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(job_text(&job, names[i], "text"), STATUS_OK);
        assert_int_equal(job.kind->flush(job.lane, &result, &job.err), STATUS_OK);
        assert_int_equal(result.stamps_n, 4);
        for (size_t i = 0; i < 4; i++) {
            struct stat st;
            assert_int_equal(fstatat(scene.root, names[i], &st, 0), 0);
            const struct lane_stamp found = lane_stamp_of(&st), *told = &result.stamps[i];
            assert_true(found.size == told->size && found.inode == told->inode && found.mtime == told->mtime);
        }
        assert_int_equal(job_close(&job, true), STATUS_OK);
        scene_close(&scene);
    }
}

// Streams that are there already -------------------------------------------------------------------------------
static struct lane_result write_stream(struct scene *scene, const char *path, const char *last, bool force) {
    struct sink_options options = options_for(scene, path, "-");
    options.force = force;
    const struct sink_kind *kind = emit_stream_for(str_of(path));
    struct job job;
    job_open(&job, kind, options);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(job_text(&job, "k", i < 2 ? "text" : last), STATUS_OK);
        assert_int_equal(job_flush(&job), STATUS_OK);
    }
    kind->lane_free(job.lane);
    struct lane_result result;
    assert_int_equal(kind->close(job.sink, true, &result, &job.err), STATUS_OK);
    assert_int_equal(count_temporaries(scene), 0);
    return result;
}

static void streams_that_are_the_same_are_left_alone(void **state) {
    (void)state;
    static const char *const paths[] = {"o.txt", "d/o.txt.zst", "o.jsonl"};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        scene_open(&scene);
        char *large = pattern(700000, 1), *other = pattern(700000, 1); // more than one chunk to compare
        other[699999] ^= 1;
        assert_false(write_stream(&scene, paths[i], large, false).stream_unchanged);
        ino_t inode = inode_of(&scene, paths[i]);
        struct lane_result result = write_stream(&scene, paths[i], large, false);
        assert_true(result.stream_unchanged);
        assert_int_equal(result.stored, 0);
        assert_int_equal(inode_of(&scene, paths[i]), inode);
        assert_false(write_stream(&scene, paths[i], large, true).stream_unchanged); // forced
        assert_true(inode_of(&scene, paths[i]) != inode);
        inode = inode_of(&scene, paths[i]);
        assert_false(write_stream(&scene, paths[i], other, false).stream_unchanged); // of one size
        assert_true(inode_of(&scene, paths[i]) != inode);
        assert_true(write_stream(&scene, paths[i], other, false).stream_unchanged);
        assert_false(write_stream(&scene, paths[i], "short", false).stream_unchanged);
        assert_int_equal(count_files(scene.root, NULL), 1);
        mem_free(large);
        mem_free(other);
        scene_close(&scene);
    }
}

static void links_in_the_place_of_a_stream_are_replaced(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_text(&scene, "elsewhere", "text-text-text");
    assert_int_equal(symlinkat("elsewhere", scene.root, "o.txt"), 0);
    assert_false(write_stream(&scene, "o.txt", "text", false).stream_unchanged);
    assert_true(inode_of(&scene, "o.txt") != inode_of(&scene, "elsewhere"));
    assert_true(write_stream(&scene, "o.txt", "text", false).stream_unchanged);
    scene_close(&scene);
}

// In place -----------------------------------------------------------------------------------------------------
static void files_are_overwritten_where_they_are(void **state) {
    (void)state;
    static const struct {
        const char *path, *before, *after;
    } cases[] = {{"same-size", "aaaa", "bbbb"},
                 {"shorter", "a long text", "short"},
                 {"longer", "short", "a long text"},
                 {"emptied", "text", ""},
                 {"filled", "", "text"},
                 {"d/deep", "old", "newer"},
                 {"q\"uote", "old", "new"}};
    enum { N = sizeof cases / sizeof *cases };
    struct scene scene;
    ino_t inodes[N];
    scene_open(&scene);
    assert_int_equal(mkdirat(scene.root, "d", 0777), 0);
    for (size_t i = 0; i < N; i++) {
        put_text(&scene, cases[i].path, cases[i].before);
        inodes[i] = inode_of(&scene, cases[i].path);
    }
    put_text(&scene, "unchanged", "same");
    for (int run = 0; run < 2; run++) {
        struct job job;
        job_open(&job, &emit_files, files_options(&scene, false, true));
        for (size_t i = 0; i < N; i++)
            assert_int_equal(job_text(&job, cases[i].path, cases[i].after), STATUS_OK);
        assert_int_equal(job_text(&job, "unchanged", "same"), STATUS_OK);
        assert_int_equal(job_text(&job, "d/new", "new"), STATUS_OK);
        assert_int_equal(count_files(scene.root, ".jsonl"), run == 0 ? 1 : 0); // until all is written
        finish(&job);
        assert_result(&job, run ? 0 : N + 1, run ? N + 2 : 1, 4 + 5 + 11 + 0 + 4 + 5 + 3 + 4 + 3);
        for (size_t i = 0; i < N; i++) {
            assert_file(&scene, cases[i].path, cases[i].after);
            assert_int_equal(inode_of(&scene, cases[i].path), inodes[i]);
        }
        assert_file(&scene, "d/new", "new");
        assert_int_equal(count_files(scene.root, NULL), N + 2);
    }
    scene_close(&scene);
}

// What is not a small file of our own is replaced.
static void files_that_are_not_ours_alone_are_replaced(void **state) {
    (void)state;
    struct scene scene, outside;
    scene_open(&scene);
    scene_open(&outside);
    char *big = pattern(INPLACE_MAX + 1, 1), *bigger = pattern(INPLACE_MAX + 1, 2);
    put_text(&outside, "hard", "theirs");
    put_text(&outside, "soft", "theirs");
    assert_int_equal(linkat(outside.root, "hard", scene.root, "hard", 0), 0);
    char target[300];
    snprintf(target, sizeof target, "%s/soft", outside.path);
    assert_int_equal(symlinkat(target, scene.root, "soft"), 0);
    assert_int_equal(mkfifoat(scene.root, "fifo", 0666), 0);
    put_text(&scene, "large", big);
    put_text(&scene, "shrinks", big);
    put_text(&scene, "grows", "small");
    struct job job;
    job_open(&job, &emit_files, files_options(&scene, false, true));
    static const char *const names[] = {"hard", "soft", "fifo", "shrinks"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(job_text(&job, names[i], "ours"), STATUS_OK);
    assert_int_equal(job_text(&job, "large", bigger), STATUS_OK);
    assert_int_equal(job_text(&job, "grows", big), STATUS_OK);
    finish(&job);
    assert_result(&job, 6, 0, 16 + 2 * (INPLACE_MAX + 1));
    for (size_t i = 0; i < 4; i++)
        assert_file(&scene, names[i], "ours");
    assert_file(&scene, "large", bigger);
    assert_file(&scene, "grows", big);
    assert_file(&outside, "hard", "theirs");
    assert_file(&outside, "soft", "theirs");
    assert_int_equal(count_files(scene.root, NULL), 6);
    mem_free(big);
    mem_free(bigger);
    scene_close(&scene);
    scene_close(&outside);
}

enum { LANES = 4, LANE_OUTPUTS = 300 };

struct lane_work {
    struct sink *sink;
    int number;
    pthread_t thread;
};

static void *overwrite_all(void *arg) {
    struct lane_work *work = arg;
    struct lane *lane = emit_files.lane_new(work->sink);
    struct lane_result result;
    struct err err;
    int bad = 0;
    for (int i = 0; i < LANE_OUTPUTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "f%d-%d", work->number, i);
        bad += emit_files.begin(lane, str_of(name), &err) != STATUS_OK ||
               emit_files.write(lane, str_of(name), &err) != STATUS_OK ||
               emit_files.commit(lane, &err) != STATUS_OK;
    }
    bad += emit_files.flush(lane, &result, &err) != STATUS_OK || result.written != LANE_OUTPUTS;
    emit_files.lane_free(lane);
    return bad ? work : NULL;
}

static void lanes_share_a_journal(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    for (int i = 0; i < LANES * LANE_OUTPUTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "f%d-%d", i % LANES, i / LANES);
        put_text(&scene, name, "old");
    }
    struct sink_options options = files_options(&scene, false, true);
    struct sink *sink;
    struct err err;
    assert_int_equal(emit_files.open(&options, &sink, &err), STATUS_OK);
    struct lane_work works[LANES];
    for (int i = 0; i < LANES; i++) {
        works[i] = (struct lane_work){.sink = sink, .number = i};
        assert_int_equal(pthread_create(&works[i].thread, NULL, overwrite_all, &works[i]), 0);
    }
    for (int i = 0; i < LANES; i++) {
        void *bad;
        assert_int_equal(pthread_join(works[i].thread, &bad), 0);
        assert_null(bad);
    }
    // Every line is whole, and there is one for each.
    struct buf journal = get_file(&scene, ".pressrun/inplace-0.jsonl"), room = BUF_INIT;
    struct str left = buf_str(&journal);
    int lines = 0;
    for (const char *end; left.n > 0 && (end = memchr(left.p, '\n', left.n)); lines++) {
        struct inplace_entry entry;
        struct str line = {left.p, (size_t)(end - left.p)};
        assert_true(inplace_parse(line, &room, &entry));
        assert_true(digest_equal(entry.before, digest_of(STR("old"))));
        assert_true(digest_equal(entry.after, digest_of(entry.path)));
        left = str_from(left, line.n + 1);
    }
    assert_int_equal(lines, LANES * LANE_OUTPUTS);
    assert_int_equal(left.n, 0);
    buf_release(&journal);
    buf_release(&room);
    struct lane_result result;
    assert_int_equal(emit_files.close(sink, true, &result, &err), STATUS_OK);
    assert_int_equal(count_files(scene.root, ".jsonl"), 0);
    scene_close(&scene);
}

// A line that is cut short does not take the next one with it.
static void journals_go_on_after_a_line_that_was_cut(void **state) {
    (void)state;
    enum { PARTS = 6, PART = 250 };
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    struct buf path = BUF_INIT;
    for (int i = 0; i < PARTS; i++) {
        for (int k = 0; k < PART; k++)
            buf_add_char(&path, (char)('a' + i));
        if (i == PARTS - 1)
            break;
        assert_int_equal(mkdirat(scene.root, buf_text(&path), 0777), 0);
        buf_add_char(&path, '/');
    }
    put_text(&scene, buf_text(&path), "old");
    put_text(&scene, "next", "old");
    scene.fs = faulty_fs(&faulty, 0, EIO);
    struct job job;
    job_open(&job, &emit_files, files_options(&scene, false, true));
    faulty.fills_up = 2; // 1000 bytes of the line, and no more
    assert_int_equal(job_output(&job, buf_text(&path), STR("new")), STATUS_IO);
    assert_int_equal(job.err.os, ENOSPC);
    assert_int_equal(job_text(&job, "next", "new"), STATUS_OK);
    struct buf journal = get_file(&scene, ".pressrun/inplace-0.jsonl"), room = BUF_INIT;
    struct inplace_entry entry;
    const char *end = memchr(journal.p, '\n', journal.n);
    assert_non_null(end);
    struct str cut = {journal.p, (size_t)(end - journal.p)}, next = str_from(buf_str(&journal), cut.n + 1);
    assert_int_equal(cut.n, 1000);
    assert_false(inplace_parse(cut, &room, &entry));
    assert_true(inplace_parse((struct str){next.p, next.n - 1}, &room, &entry));
    assert_true(str_is(entry.path, "next"));
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_file(&scene, buf_text(&path), "old");
    assert_file(&scene, "next", "new");
    buf_release(&journal);
    buf_release(&room);
    buf_release(&path);
    scene_close(&scene);
}

static void files_that_somebody_changes_meanwhile_are_theirs(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_text(&scene, "edited", "old");
    put_text(&scene, "removed", "old");
    put_text(&scene, "ours", "old");
    struct sink_options options = files_options(&scene, false, true);
    options.durable = true;
    struct job job;
    job_open(&job, &emit_files, options);
    assert_int_equal(job_text(&job, "edited", "new"), STATUS_OK);
    assert_int_equal(job_text(&job, "removed", "new"), STATUS_OK);
    assert_int_equal(job_text(&job, "ours", "new"), STATUS_OK);
    put_text(&scene, "edited", "by hand");
    assert_int_equal(unlinkat(scene.root, "removed", 0), 0);
    struct lane_result result;
    assert_int_equal(emit_files.flush(job.lane, &result, &job.err), STATUS_IO);
    assert_int_equal(result.written, 1);
    assert_non_null(strstr(job.err.text, "edited: something else changed it"));
    assert_non_null(strstr(job.err.text, "and 1 more"));
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_file(&scene, "edited", "by hand");
    assert_file(&scene, "ours", "new");
    assert_int_equal(count_files(scene.root, NULL), 2);
    scene_close(&scene);
}

// A disk that stays full: the old text goes back where there is room for it, else the file goes.
static void overwriting_that_fails_gives_back_the_old_file(void **state) {
    (void)state;
    for (int durable = 0; durable < 2; durable++) {
        struct scene scene;
        struct faulty faulty;
        scene_open(&scene);
        char *before = pattern(5000, 1), *after = pattern(6000, 2);
        put_text(&scene, "f", before);
        put_text(&scene, "gone", before);
        scene.fs = faulty_fs(&faulty, 0, EIO);
        struct sink_options options = files_options(&scene, false, true);
        options.durable = durable;
        struct job job;
        job_open(&job, &emit_files, options);
        // The write of the journal, then 1000 bytes of the file, and no more; then there is space again.
        assert_int_equal(emit_files.begin(job.lane, STR("f"), &job.err), STATUS_OK);
        assert_int_equal(emit_files.write(job.lane, str_of(after), &job.err), STATUS_OK);
        faulty.fills_up = 3;
        enum status status = emit_files.commit(job.lane, &job.err);
        struct lane_result result;
        status = status == STATUS_OK ? emit_files.flush(job.lane, &result, &job.err) : status;
        assert_int_equal(status, STATUS_IO);
        assert_int_equal(job.err.os, ENOSPC);
        assert_non_null(strstr(job.err.text, "cannot write f:"));
        assert_file(&scene, "f", before);
        // No more space ever: half of it is new, so it goes.
        assert_int_equal(emit_files.begin(job.lane, STR("gone"), &job.err), STATUS_OK);
        assert_int_equal(emit_files.write(job.lane, str_of(after), &job.err), STATUS_OK);
        faulty.fills_up = 3;
        faulty.stays_full = true;
        status = emit_files.commit(job.lane, &job.err);
        status = status == STATUS_OK ? emit_files.flush(job.lane, &result, &job.err) : status;
        assert_int_equal(status, STATUS_IO);
        assert_non_null(strstr(job.err.text, "cannot write gone:"));
        faulty.stays_full = false;
        assert_int_equal(job_close(&job, true), STATUS_OK);
        assert_int_equal(count_files(scene.root, NULL), 1);
        assert_int_equal(faulty.open_files, 0);
        mem_free(before);
        mem_free(after);
        scene_close(&scene);
    }
}

static int no_unlink(void *self, int dir, const char *path) {
    (void)self, (void)dir, (void)path;
    return -EIO;
}

static void what_stays_torn_is_found_by_the_next_recovery(void **state) {
    (void)state;
    struct scene scene;
    struct faulty faulty;
    scene_open(&scene);
    char *before = pattern(5000, 1), *after = pattern(6000, 2);
    put_text(&scene, "torn", before);
    struct fs fs = faulty_fs(&faulty, 0, EIO);
    fs.unlink = no_unlink;
    scene.fs = fs;
    struct job job;
    job_open(&job, &emit_files, files_options(&scene, false, true));
    faulty.fills_up = 3;
    faulty.stays_full = true;
    assert_int_equal(job_text(&job, "torn", after), STATUS_IO);
    assert_int_equal(job_close(&job, true), STATUS_OK);
    assert_int_equal(count_files(scene.root, ".jsonl"), 1);
    struct fs whole = fs_system();
    struct emit_leftovers found;
    assert_int_equal(emit_recover(&whole, scene.root, &found), 0);
    assert_int_equal(found.torn, 1);
    assert_string_equal(found.torn_shown[0], "torn");
    assert_int_equal(count_files(scene.root, NULL), 1); // put aside
    assert_int_equal(faccessat(scene.root, "torn", F_OK, 0), -1);
    mem_free(before);
    mem_free(after);
    scene_close(&scene);
}

// A process killed before each of its calls, with writes of 7000 bytes at most.
static bool killed_at(int call, bool durable, bool *torn) {
    enum { N = 3 };
    static const char *const names[N] = {"a", "d/b", "d/new"};
    struct scene scene;
    scene_open(&scene);
    char *before = pattern(20000, 1), *after = pattern(18000, 2);
    assert_int_equal(mkdirat(scene.root, "d", 0777), 0);
    put_text(&scene, "a", before);
    put_text(&scene, "d/b", before);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct faulty faulty;
        struct fs fs = faulty_fs(&faulty, call, EIO);
        faulty.dies = faulty.is_short = true;
        struct sink_options options = {.fs = &fs, .root = scene.root, .inplace = true, .durable = durable};
        struct job job = {.kind = &emit_files};
        bool bad = emit_files.open(&options, &job.sink, &job.err) != STATUS_OK;
        job.lane = emit_files.lane_new(job.sink);
        for (size_t i = 0; i < N; i++)
            bad = job_text(&job, names[i], after) != STATUS_OK || bad;
        bad = job_flush(&job) != STATUS_OK || bad;
        bad = job_close(&job, true) != STATUS_OK || bad;
        _exit(bad);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == FAULTY_DIED));
    struct emit_leftovers found;
    assert_int_equal(emit_recover(&scene.fs, scene.root, &found), 0);
    assert_true(found.torn <= 1);
    *torn = found.torn > 0;
    uint64_t missing = 0;
    for (size_t i = 0; i < N; i++) {
        struct buf b = get_file(&scene, names[i]);
        missing += i < 2 && !b.p;
        if (b.p && !str_is(buf_str(&b), after))
            assert_true(i < 2 && str_is(buf_str(&b), before));
        buf_release(&b);
    }
    assert_int_equal(missing, found.torn);
    assert_int_equal(count_temporaries(&scene), 0);
    assert_int_equal(count_files(scene.root, ".jsonl"), 0);
    mem_free(before);
    mem_free(after);
    scene_close(&scene);
    return WEXITSTATUS(status) == FAULTY_DIED;
}

static void killed_in_the_middle_of_overwriting(void **state) {
    (void)state;
    for (int durable = 0; durable < 2; durable++) {
        int calls = 1, torn_n = 0;
        for (bool torn; killed_at(calls, durable, &torn); calls++)
            torn_n += torn;
        assert_true(calls > 30);
        assert_true(torn_n > 3); // else this shows nothing
    }
}

// Compressed files ---------------------------------------------------------------------------------------------
static void assert_frame(const struct scene *scene, const char *path, const char *text) {
    struct buf packed = get_file(scene, path);
    size_t n = strlen(text);
    char *room = mem_alloc(n + 1);
    assert_non_null(packed.p);
    assert_int_equal(ZSTD_findFrameCompressedSize(packed.p, packed.n), packed.n); // one frame
    assert_int_equal(ZSTD_decompress(room, n + 1, packed.p, packed.n), n);
    assert_memory_equal(room, text, n);
    assert_true(((unsigned char)packed.p[4] & 4) != 0); // its checksum flag
    mem_free(room);
    buf_release(&packed);
}

static void zst_files_are_one_frame_each(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    char *big = pattern(3 << 20, 1), *text = pattern(5000, 2);
    uint64_t stored = 0;
    for (int run = 0; run < 4; run++) {
        struct sink_options options = files_options(&scene, false, run == 3);
        options.durable = run == 2;
        struct job job;
        job_open(&job, &emit_files, options);
        // begun and taken back in the middle of a frame: the next one is whole
        assert_int_equal(job.kind->begin(job.lane, STR("d/dropped.zst"), &job.err), STATUS_OK);
        assert_int_equal(job.kind->write(job.lane, (struct str){big, 2 << 20}, &job.err), STATUS_OK);
        job.kind->abort(job.lane);
        text[0] = run < 2 ? 'a' : 'b'; // the third and the fourth run make the same
        assert_int_equal(job_text(&job, "d/large.zst", big), STATUS_OK);
        assert_int_equal(job_text(&job, "d/text.html.zst", text), STATUS_OK);
        assert_int_equal(job_text(&job, "empty.zst", ""), STATUS_OK);
        assert_int_equal(job_text(&job, "plain.zst.txt", text), STATUS_OK);
        finish(&job);
        assert_result(&job,
                      run == 0   ? 4
                      : run == 2 ? 2
                                 : 0,
                      run == 0   ? 0
                      : run == 2 ? 2
                                 : 4,
                      (3 << 20) + 10000);
        assert_frame(&scene, "d/large.zst", big);
        assert_frame(&scene, "d/text.html.zst", text);
        assert_frame(&scene, "empty.zst", "");
        assert_file(&scene, "plain.zst.txt", text);
        assert_int_equal(count_files(scene.root, NULL), 4);
        stored = run == 0 ? job.total.stored : stored;
    }
    struct stat st;
    uint64_t sizes = 0;
    static const char *const names[] = {"d/large.zst", "d/text.html.zst", "empty.zst", "plain.zst.txt"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fstatat(scene.root, names[i], &st, 0), 0);
        sizes += (uint64_t)st.st_size;
    }
    assert_true(sizes < 1 << 20);
    assert_in_range(stored, sizes - 16, sizes + 16); // a letter differs
    mem_free(big);
    mem_free(text);
    scene_close(&scene);
}

static void zst_files_take_the_level(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct buf text = BUF_INIT;
    for (unsigned i = 0; i < 4000; i++)
        buf_printf(&text, "%u %u %u\n", i * 2654435761U % 97, i * 40503U % 31, i / 7);
    struct stat st[2];
    for (int i = 0; i < 2; i++) {
        struct sink_options options = files_options(&scene, false, false);
        options.level = i == 0 ? 1 : 19;
        struct job job;
        job_open(&job, &emit_files, options);
        assert_int_equal(job_output(&job, "f.zst", buf_str(&text)), STATUS_OK);
        finish(&job);
        assert_int_equal(fstatat(scene.root, "f.zst", &st[i], 0), 0);
    }
    assert_true(st[1].st_size < st[0].st_size);
    buf_release(&text);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forced_files_are_written_whatever_is_there),
        cmocka_unit_test(stamps_are_of_the_files_that_are_there),
        cmocka_unit_test(streams_that_are_the_same_are_left_alone),
        cmocka_unit_test(links_in_the_place_of_a_stream_are_replaced),
        cmocka_unit_test(files_are_overwritten_where_they_are),
        cmocka_unit_test(files_that_are_not_ours_alone_are_replaced),
        cmocka_unit_test(lanes_share_a_journal),
        cmocka_unit_test(journals_go_on_after_a_line_that_was_cut),
        cmocka_unit_test(files_that_somebody_changes_meanwhile_are_theirs),
        cmocka_unit_test(overwriting_that_fails_gives_back_the_old_file),
        cmocka_unit_test(what_stays_torn_is_found_by_the_next_recovery),
        cmocka_unit_test(killed_in_the_middle_of_overwriting),
        cmocka_unit_test(zst_files_are_one_frame_each),
        cmocka_unit_test(zst_files_take_the_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
