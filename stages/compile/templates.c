// SPDX-License-Identifier: MIT
/*
 * A hash table of entries in chains that only grow at their heads, so that readers need no lock. An entry is
 * put in before what it refers to is compiled (templates may include each other), and is marked ready when all
 * that is done; readers that meet one not ready take the lock, and so wait.
 */
#include "stages/compile/templates.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "stages/compile/plain.h"
#include "stages/compile/templates_files.h"

enum { BUCKETS = 8192 };

struct entry {
    struct str name;
    const struct language *language; // asked for; NULL: its own, which its store may say
    bool autoescape;
    _Atomic(bool) ready;
    bool broken;                 // it or something it refers to has errors
    atomic_uint_fast64_t chosen; // how often it was chosen at run time
    bool seen;                   // while errors are being collected
    struct program *program;     // NULL where it has errors itself
    struct entry **refs;         // per reference of the program; NULL: missing
    struct diags diags;
    struct entry *next;  // in the bucket
    struct entry *older; // in the list of all
};

struct templates {
    const struct fs *fs;
    struct compile_options options;
    pthread_mutex_t lock; // over all but reading the table
    struct arena arena;
    struct template_files files;
    bool has_stores;
    struct program **kept; // by what they are made from: a hash table, open addressing
    size_t kept_n, kept_cap;
    atomic_size_t shared;
    _Atomic(struct entry *) buckets[BUCKETS];
    struct entry *all;
};

struct templates *templates_new(const struct fs *fs, const struct compile_options *options) {
    struct templates *t = MEM_NEW(struct templates);
    t->fs = fs;
    t->options = *options;
    t->files.fs = fs;
    arena_init(&t->arena, 0);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void templates_free(struct templates *t) {
    if (!t)
        return;
    for (struct entry *e = t->all; e; e = e->older)
        program_free(e->program);
    mem_free(t->kept);
    template_files_release(&t->files);
    arena_release(&t->arena);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

enum status templates_add_path(struct templates *t, struct str directory, struct err *err) {
    pthread_mutex_lock(&t->lock);
    enum status status = template_files_add(&t->files, &t->arena, directory, err);
    pthread_mutex_unlock(&t->lock);
    return status;
}

void templates_add_store(struct templates *t, struct template_store *store) {
    pthread_mutex_lock(&t->lock);
    template_files_add_store(&t->files, store);
    t->has_stores = true;
    pthread_mutex_unlock(&t->lock);
}

void templates_add_text(struct templates *t, struct str name, struct str text) {
    pthread_mutex_lock(&t->lock);
    template_files_add_text(&t->files, name, text);
    pthread_mutex_unlock(&t->lock);
}

size_t templates_compiled(struct templates *t) {
    pthread_mutex_lock(&t->lock);
    size_t n = t->kept_n;
    pthread_mutex_unlock(&t->lock);
    return n;
}

size_t templates_shared(struct templates *t) {
    return atomic_load_explicit(&t->shared, memory_order_relaxed);
}

static void count_shared(struct templates *t) {
    atomic_fetch_add_explicit(&t->shared, 1, memory_order_relaxed);
}

static size_t bucket_of(struct str name) {
    return str_hash(name) % BUCKETS;
}

static struct entry *lookup(struct templates *t, struct str name, const struct language *language,
                            bool autoescape) {
    struct entry *e = atomic_load_explicit(&t->buckets[bucket_of(name)], memory_order_acquire);
    while (e && !(e->language == language && e->autoescape == autoescape && str_equal(e->name, name)))
        e = e->next;
    return e;
}

static void *keep(struct templates *t, size_t size) {
    void *p = arena_zero(&t->arena, size);
    if (!p)
        mem_fail(size);
    return p;
}

static struct entry *add_entry(struct templates *t, struct str name, const struct language *language,
                               bool autoescape) {
    struct entry *e = keep(t, sizeof *e);
    e->name = arena_str(&t->arena, name);
    e->language = language;
    e->autoescape = autoescape;
    diags_init(&e->diags, &t->arena);
    return e;
}

static void publish(struct templates *t, struct entry *e) {
    size_t bucket = bucket_of(e->name);
    e->next = atomic_load_explicit(&t->buckets[bucket], memory_order_relaxed);
    e->older = t->all;
    t->all = e;
    atomic_store_explicit(&t->buckets[bucket], e, memory_order_release);
}

// Where the program made from this is kept, or would be.
static struct program **kept_place(struct templates *t, struct digest made_from) {
    size_t mask = t->kept_cap - 1, i = made_from.low & mask;
    while (t->kept[i] && !digest_equal(t->kept[i]->own, made_from))
        i = (i + 1) & mask;
    return &t->kept[i];
}

static void grow_kept(struct templates *t) {
    struct program **old = t->kept;
    size_t n = t->kept_cap;
    t->kept_cap = n ? n * 2 : 64;
    t->kept = MEM_NEW_ARRAY(struct program *, t->kept_cap);
    for (size_t i = 0; i < n; i++)
        if (old[i])
            *kept_place(t, old[i]->own) = old[i];
    mem_free(old);
}

// A text that has been compiled already, under whatever name, is not compiled again.
static struct program *compile_once(struct templates *t, const struct language *language,
                                    const struct source_text *source, const struct compile_options *options,
                                    struct diags *diags) {
    if (2 * (t->kept_n + 1) > t->kept_cap)
        grow_kept(t);
    struct program **kept = kept_place(t, compile_digest(language, source->text, options));
    if (*kept) {
        count_shared(t);
        return program_new_alias(*kept, source->name);
    }
    struct program *program = compile_template(language, source, options, diags);
    *kept = program;
    t->kept_n += program != NULL;
    return program;
}

// Under the lock: the entry, compiled now if it was not; NULL: there is no such template.
static struct entry *find_or_compile(struct templates *t, struct str name, const struct language *language,
                                     bool autoescape) {
    struct entry *e = lookup(t, name, language, autoescape);
    if (e) {
        count_shared(t);
        return e;
    }
    struct template_found found;
    struct err err;
    enum status status = template_files_read(&t->files, &t->arena, name, &found, &err);
    bool only_directory = status == STATUS_UNSUPPORTED; // which nobody but a prompt's author minds
    if (status == STATUS_DATA || (only_directory && language != &language_text))
        return NULL;
    struct source_text source = {found.path.p ? found.path : name, {"", 0}};
    e = add_entry(t, name, language, autoescape);
    if (status != STATUS_OK) {
        diags_error(&e->diags, only_directory ? &source : NULL, (struct span){0, 0}, "%s", err.text);
    } else {
        struct compile_options options = t->options;
        options.autoescape = autoescape;
        source.text = (struct str){found.text, found.size};
        if (!language)
            language = found.language ? found.language : language_for(name);
        e->program = compile_once(t, language, &source, &options, &e->diags);
    }
    mem_free(found.text);
    e->broken = !e->program;
    publish(t, e);
    return e;
}

// What is asked for where no language is: without stores that is the name's business alone.
static const struct language *own_language(const struct templates *t, struct str name) {
    return t->has_stores ? NULL : language_for(name);
}

// The entries put in after `since`, with those they turn out to refer to, are linked. A new entry goes to the
// front of the list, so rounds are gone until a round finds nothing new.
static void link_new(struct templates *t, struct entry *since) {
    for (struct entry *done = since, *newest; (newest = t->all) != done; done = newest)
        for (struct entry *e = newest; e != done; e = e->older) {
            if (!e->program)
                continue;
            struct program *p = e->program;
            e->refs = keep(t, (p->refs_n + 1) * sizeof *e->refs);
            for (uint32_t i = 0; i < p->refs_n; i++) {
                struct str name = p->refs[i].name;
                const char *asked = p->refs[i].language;
                const struct language *language =
                    asked ? language_named(str_of(asked)) : own_language(t, name);
                e->refs[i] = find_or_compile(t, name, language, e->autoescape);
                p->refs[i].program = e->refs[i] ? e->refs[i]->program : NULL;
            }
        }
}

// What refers to something broken is broken. Templates include mostly what comes later, so few rounds do.
static void spread_faults(struct templates *t, struct entry *since) {
    for (bool changed = true; changed;) {
        changed = false;
        for (struct entry *e = t->all; e != since; e = e->older)
            for (uint32_t i = 0; !e->broken && i < e->program->refs_n; i++)
                if (e->refs[i] && e->refs[i]->broken)
                    changed = e->broken = true;
    }
}

// The errors of a broken entry and of all it refers to, each once.
static void report(struct entry *entry, struct diags *diags) {
    size_t n = 1, cap = 0, at = 0;
    struct entry **todo = NULL;
    MEM_GROW(todo, cap, 1);
    todo[0] = entry;
    entry->seen = true;
    for (; at < n; at++) {
        struct entry *e = todo[at];
        diags_append(diags, &e->diags);
        for (uint32_t i = 0; e->program && i < e->program->refs_n; i++) {
            struct entry *ref = e->refs[i];
            if (!ref || ref->seen || !ref->broken)
                continue;
            ref->seen = true;
            MEM_GROW(todo, cap, n + 1);
            todo[n++] = ref;
        }
    }
    for (at = 0; at < n; at++)
        todo[at]->seen = false;
    mem_free(todo);
}

static const struct program *answer(const struct entry *e) {
    return e && !e->broken ? e->program : NULL;
}

// The entry, compiled and linked; NULL: there is no such template.
static struct entry *find_entry(struct templates *t, struct str name, const struct language *language,
                                bool autoescape, struct diags *diags) {
    if (!language)
        language = own_language(t, name);
    struct entry *e = lookup(t, name, language, autoescape);
    if (e && atomic_load_explicit(&e->ready, memory_order_acquire) && (!e->broken || !diags)) {
        if (diags) // else a machine asks, for each record perhaps
            count_shared(t);
        return e;
    }
    pthread_mutex_lock(&t->lock);
    struct entry *since = t->all;
    e = find_or_compile(t, name, language, autoescape);
    if (t->all != since) {
        link_new(t, since);
        spread_faults(t, since);
        for (struct entry *n = t->all; n != since; n = n->older)
            atomic_store_explicit(&n->ready, true, memory_order_release);
    }
    if (e && e->broken && diags)
        report(e, diags);
    pthread_mutex_unlock(&t->lock);
    return e;
}

const struct program *templates_find(struct templates *t, struct str name, const struct language *language,
                                     bool autoescape, struct diags *diags, bool *missing) {
    const struct entry *e = find_entry(t, name, language, autoescape, diags);
    *missing = !e;
    return answer(e);
}

const struct program *templates_choose(struct templates *t, struct str name, const struct language *language,
                                       bool autoescape, bool *missing) {
    struct entry *e = find_entry(t, name, language, autoescape, NULL);
    *missing = !e;
    if (e)
        atomic_fetch_add_explicit(&e->chosen, 1, memory_order_relaxed);
    return answer(e);
}

void templates_each_chosen(struct templates *t, templates_fn fn, void *context) {
    for (const struct entry *e = t->all; e; e = e->older)
        if (!e->broken && atomic_load_explicit(&e->chosen, memory_order_relaxed))
            fn(context, e->name, e->program, atomic_load_explicit(&e->chosen, memory_order_relaxed));
}

struct digest templates_digest(struct templates *t) {
    struct str *names;
    struct digest sum = {0, 0};
    pthread_mutex_lock(&t->lock);
    size_t n = template_files_list(&t->files, &t->arena, &names);
    for (size_t i = 0; i < n; i++) {
        struct template_found found;
        struct err err;
        template_files_read(&t->files, &t->arena, names[i], &found, &err); // without a text where it fails
        sum = digest_add(sum, digest_output(STR("template"), names[i], (struct str){found.text, found.size}));
        if (found.language)
            sum = digest_add(sum, digest_output(STR("language"), names[i], str_of(found.language->name)));
        mem_free(found.text);
    }
    mem_free(names);
    pthread_mutex_unlock(&t->lock);
    return sum;
}

// Stores do not change from the first lookup on.
bool templates_is_stored(const struct templates *t, struct str name) {
    return t->has_stores && template_files_stored(&t->files, name);
}

struct str templates_id(const struct templates *t, struct str name, const struct program *program) {
    if (!t->has_stores)
        return name;
    const struct stored_template *stored = template_files_stored(&t->files, name);
    return stored && !str_equal(stored->name, name) && str_ends(program->source.name, stored->name)
               ? stored->name
               : name;
}

size_t templates_list(struct templates *t, struct str **names) {
    pthread_mutex_lock(&t->lock);
    size_t n = template_files_list(&t->files, &t->arena, names);
    pthread_mutex_unlock(&t->lock);
    return n;
}
