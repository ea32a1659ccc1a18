// SPDX-License-Identifier: MIT
// Dictionaries as files, and their training on what is in the packs.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cache/packs_private.h"

enum {
    SAMPLE_LARGEST = 32 << 10,
    SAMPLES_ENOUGH = 8 * CODEC_DICTIONARY,
    DICTIONARY_FILE = ENTRY_HEADER + (1 << 20)
};

static bool number_of(const char *name, uint32_t *number) {
    char again[PACK_NAME];
    char *end;
    const char *digits = name + sizeof "dictionary-" - 1;
    *number = (uint32_t)strtoul(digits, &end, 16);
    snprintf(again, sizeof again, "dictionary-%08x", *number);
    return *number && strcmp(name, again) == 0;
}

void pack_dictionary_load(struct packs *packs, const char *name) {
    uint32_t number;
    if (!number_of(name, &number) || codec_has(packs->codec, number))
        return;
    int fd = packs->fs.open_beneath(packs->fs.self, packs->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    struct stat st;
    int result = fd < 0 ? fd : packs->fs.stat(packs->fs.self, fd, &st);
    if (result >= 0 && st.st_size > 0 && st.st_size <= DICTIONARY_FILE) {
        size_t n = (size_t)st.st_size;
        char *bytes = mem_alloc(n);
        struct entry entry;
        result = pack_read(packs, fd, bytes, n, 0);
        struct str payload = {bytes + ENTRY_HEADER, n > ENTRY_HEADER ? n - ENTRY_HEADER : 0};
        bool good = result == 0 && entry_open((struct str){bytes, n}, &entry) &&
                    entry.kind == ENTRY_DICTIONARY && entry_size(&entry) == n &&
                    codec_number(payload) == number &&
                    codec_add(packs->codec, entry.key.category, payload, true);
        packs->stats.damaged += result == 0 && !good;
        mem_free(bytes);
    }
    packs->stats.failed += result < 0 && result != -ENOENT;
    if (fd >= 0)
        packs->fs.close(packs->fs.self, fd);
}

// Whole under its own name or not at all. Written by name, so two processes with the same one do no harm.
static bool write_dictionary(struct packs *packs, enum cache_category category, struct str dictionary) {
    char name[PACK_NAME], temporary[PACK_NAME];
    struct entry entry = {.key = {.category = category},
                          .kind = ENTRY_DICTIONARY,
                          .dictionary = codec_number(dictionary),
                          .size = (uint32_t)dictionary.n,
                          .stored = (uint32_t)dictionary.n,
                          .time = packs->clock.wall(packs->clock.self)};
    snprintf(name, sizeof name, "dictionary-%08x", entry.dictionary);
    snprintf(temporary, sizeof temporary, "new-%08x-%ld", entry.dictionary, (long)getpid());
    int fd = packs->fs.open_beneath(packs->fs.self, packs->dir, temporary,
                                    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return false;
    struct buf bytes = BUF_INIT;
    struct err err;
    buf_reserve(&bytes, ENTRY_HEADER + dictionary.n);
    memset(bytes.p, 0, ENTRY_HEADER);
    memcpy(bytes.p + ENTRY_HEADER, dictionary.p, dictionary.n);
    entry_seal(&entry, bytes.p);
    bool written = fs_write_all(&packs->fs, fd, bytes.p, entry_size(&entry), &err) == STATUS_OK;
    written = packs->fs.close(packs->fs.self, fd) == 0 && written;
    written = written && packs->fs.rename(packs->fs.self, packs->dir, temporary, packs->dir, name) == 0;
    if (!written)
        packs->fs.unlink(packs->fs.self, packs->dir, temporary);
    buf_release(&bytes);
    return written;
}

struct samples {
    struct buf bytes;
    size_t sizes[CODEC_SAMPLES];
    unsigned n;
};

// Keys first: slots move while values are read without the lock.
static unsigned pick_keys(struct packs *packs, enum cache_category category,
                          struct cache_key keys[CODEC_SAMPLES]) {
    unsigned n = 0;
    pthread_mutex_lock(&packs->lock);
    for (size_t i = 0; i < packs->index.cap && n < CODEC_SAMPLES; i++) {
        const struct slot *slot = &packs->index.slots[i];
        if (pack_slot_valid(packs, slot) && slot->category == category && slot->size <= SAMPLE_LARGEST)
            keys[n++] = (struct cache_key){category, slot->digest};
    }
    pthread_mutex_unlock(&packs->lock);
    return n;
}

static void gather(struct packs *packs, enum cache_category category, struct samples *samples) {
    struct cache_key *keys = MEM_NEW_ARRAY(struct cache_key, CODEC_SAMPLES);
    struct buf bytes = BUF_INIT;
    unsigned n = pick_keys(packs, category, keys);
    for (unsigned i = 0; i < n; i++) {
        struct entry entry;
        pthread_mutex_lock(&packs->lock);
        bool got = pack_fetch(packs, keys[i], &bytes, &entry);
        pthread_mutex_unlock(&packs->lock);
        if (!got)
            continue;
        buf_reserve(&samples->bytes, entry.size);
        struct str payload = str_from(buf_str(&bytes), ENTRY_HEADER);
        if (!codec_unpack(packs->codec, &entry, payload, samples->bytes.p + samples->bytes.n))
            continue;
        samples->bytes.n += entry.size;
        samples->sizes[samples->n++] = entry.size;
    }
    buf_release(&bytes);
    mem_free(keys);
}

void pack_train(struct packs *packs, enum cache_category category) {
    struct samples *samples = MEM_NEW(struct samples);
    char *out = mem_alloc(CODEC_DICTIONARY);
    gather(packs, category, samples);
    size_t n = 0;
    if (samples->bytes.n >= SAMPLES_ENOUGH)
        n = codec_train(samples->bytes.p, samples->sizes, samples->n, out);
    struct str dictionary = {out, n};
    // Used only once others can read it: what is packed with it is of no use without.
    bool written = n && write_dictionary(packs, category, dictionary);
    if (written)
        codec_add(packs->codec, category, dictionary, true);
    pthread_mutex_lock(&packs->lock);
    packs->stats.failed += n && !written;
    pthread_mutex_unlock(&packs->lock);
    buf_release(&samples->bytes);
    mem_free(samples);
    mem_free(out);
}
