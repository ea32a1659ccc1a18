// SPDX-License-Identifier: MIT
/*
 * Gathering jobs: `collect` makes one group of all records, `group_by` one per value. Groups keep the order
 * in which their first records came, and records their order within a group, whatever the thread count, since
 * lots join in turn. The records stay where they are: their flights are kept until the run ends.
 */
#include "base/digest.h"
#include "base/mem.h"
#include "pipeline/run/run_watch.h"

static uint64_t group_hash(const struct value *key, struct str text) {
    return digest_of(text).low * 31 + key->tag;
}

static void grow_buckets(struct job_run *job) {
    size_t n = job->buckets_n ? job->buckets_n * 2 : 64;
    struct group **buckets = MEM_NEW_ARRAY(struct group *, n);
    for (size_t i = 0; i < job->groups_n; i++) {
        struct group *group = job->groups[i];
        struct group **bucket = &buckets[group_hash(&group->key, group->text) & (n - 1)];
        group->next_equal = *bucket;
        *bucket = group;
    }
    mem_free(job->buckets);
    job->buckets = buckets;
    job->buckets_n = n;
}

static struct group *add_group(struct job_run *job, struct value key, struct str text) {
    struct group *group = ARENA_NEW(&job->arena, struct group);
    if (!group)
        mem_fail(sizeof *group);
    group->key = key;
    group->text = text;
    group->records = list_new_mutable(&job->arena);
    if (!group->records)
        mem_fail(sizeof *group->records);
    MEM_GROW(job->groups, job->groups_cap, job->groups_n + 1);
    job->groups[job->groups_n++] = group;
    return group;
}

static struct group *find_group(struct job_run *job, const struct entry *entry) {
    if (job->job->job->collect)
        return job->groups_n ? job->groups[0] : add_group(job, value_missing(), STR("records"));
    if (job->groups_n * 2 >= job->buckets_n)
        grow_buckets(job);
    struct group **bucket =
        &job->buckets[group_hash(&entry->group_key, entry->group_text) & (job->buckets_n - 1)];
    for (struct group *group = *bucket; group; group = group->next_equal)
        if (group->key.tag == entry->group_key.tag && str_equal(group->text, entry->group_text))
            return group;
    struct value key;
    if (!value_copy(&job->arena, entry->group_key, &key))
        mem_fail(sizeof key);
    struct group *group = add_group(job, key, arena_str(&job->arena, entry->group_text));
    group->next_equal = *bucket;
    *bucket = group;
    return group;
}

void run_gather(struct lot *lot) {
    for (size_t i = 0; i < lot->entries_n; i++) {
        const struct entry *entry = &lot->entries[i];
        if (entry->state != ENTRY_PENDING)
            continue;
        struct group *group = find_group(lot->job, entry);
        if (!list_append(group->records, entry->item->record))
            mem_fail(sizeof(struct value));
        MEM_GROW(group->items, group->items_cap, group->items_n + 1);
        group->items[group->items_n++] = entry->item;
        // Another job's lot of the same flight may end at the same time, but none reads this before all have.
        atomic_store_explicit(&lot->flight->kept, true, memory_order_relaxed);
    }
}

// A page over no records at all is still a page.
static void prepare(struct job_run *job) {
    if (job->job->job->collect && job->groups_n == 0)
        add_group(job, value_missing(), STR("records"));
    for (size_t i = 0; i < job->groups_n; i++)
        job->groups[i]->records->arena = NULL; // from here on many workers read them
}

static void start_lot(void *self, struct worker *worker) {
    run_lot_start(self, worker);
    run_lot_render(self, worker);
}

enum step run_render_groups_step(struct job_run *job, struct worker *worker) {
    if (job->group_lots == 0)
        prepare(job);
    if (job->next_group == job->groups_n || atomic_load(&job->stopped))
        return STEP_DONE;
    if (run_is_interrupted(job->run))
        return STEP_DONE;
    if (!credits_take(&job->credits))
        return STEP_BLOCKED;
    if (job->group_lots == 0)
        job->rendering = path_later(run_path_released(job->run, job->render_node), job->gathered);
    pthread_mutex_lock(&job->run->lock);
    const struct batch_size_next next =
        batch_size_next(&job->group_size, (double)(job->groups_n - job->next_group));
    pthread_mutex_unlock(&job->run->lock);
    struct lot *lot = run_lot_take(job, NULL, job->group_lots++);
    pthread_mutex_lock(&job->run->lock);
    lot->done = path_later(job->rendering, job->freed);
    pthread_mutex_unlock(&job->run->lock);
    lot->began = run_now(job->run);
    lot->first_group = job->next_group;
    lot->group_records = 0;
    for (size_t groups = 0;
         job->next_group < job->groups_n && groups < next.units && lot->group_records < next.weight;
         groups++) {
        const struct group *group = job->groups[job->next_group++];
        run_lot_add(lot)->group = group;
        lot->group_records += group->records->n;
    }
    run_batch_begins(job->run, worker);
    graph_spawn_batch(worker, lot->sequence, lot->group_records, start_lot, lot);
    return STEP_AGAIN;
}
