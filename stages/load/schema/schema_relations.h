// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_RELATIONS_H
#define PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_RELATIONS_H
/*
 * Relations between the tables of a schema, and their names.
 *
 * Every foreign key to a table that is there and wanted is one link: belongs_to on the side of the holder, and has_many
 * or has_one on the other. A table that joins two others makes a pair of many-to-many relations: one whose primary key, or a unique
 * index, is the columns of two of its links together; or one that nothing refers to and that has, but for two links, only
 * what has no meaning of its own: an automatic key, and times. A polymorphic pair has its targets from the manifest, or from the values found: a
 * value stands for the table whose singular name it is in any spelling ("BlogPost", "blog_posts", "App\Models\BlogPost").
 * A pair none of whose values is a table is no relation; one without values is a relation whose targets are not known.
 *
 * Names, the first that is free in the table:
 *   belongs_to     the column's without _id and the like; else with the other table's name behind it. Of several columns, the
 *                  one that is not called as in the other table; else the other table's
 *   has_many       the holder's plural (has_one: singular); _as_ROLE behind it where it has several links to this table,
 *                  but for the one called as this table; of a parent in the same table children
 *   many_to_many   the other's plural; of a table with itself the plural of the far role; _through_JOIN behind it
 *   held_as        the holder's plural (where type and id are unique: singular); _as_NAME behind it
 *
 * Borrows the names; owns its arrays. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/load/schema/schema_names.h"

struct schema_link {
    uint32_t holder, target; // tables; the target is wanted
    uint32_t key;            // foreign key of the holder
    bool one;                // no two rows of the holder refer to the same
    bool nullable;
    struct str role;          // what the column is called without _id
    struct schema_name there; // belongs_to; nothing where the holder is not wanted
    struct schema_name back;  // has_many or has_one, likewise
};

struct schema_many {
    uint32_t table, other;
    size_t near, far; // links of the joining table, to `table` and to `other`
    size_t inverse;
    struct schema_name name;
};

struct schema_held {
    uint32_t table;     // the target
    struct str *values; // that stand for it
    size_t values_n;
    struct schema_name back;
};

struct schema_polymorphic {
    const struct schema_pair *pair;
    struct schema_name name;
    bool one; // no two rows of the holder name the same
    struct schema_held *targets;
    size_t targets_n;
    struct str *unknown; // values that are no table
    size_t unknown_n;
};

struct schema_relations {
    struct schema_names *names;
    struct schema_link *links; // by holder, then as its foreign keys
    struct schema_many *many;  // by joining table, two and two
    struct schema_polymorphic *polymorphic;
    bool *joins; // of each table: it only joins two others
    size_t links_n, links_cap, many_n, many_cap, polymorphic_n, polymorphic_cap;
};

void schema_relations_init(struct schema_relations *relations, struct schema_names *names);
void schema_relations_release(struct schema_relations *relations);

// For its other file: finds and names polymorphic relations, and their other sides.
void schema_relations_find_polymorphic(struct schema_relations *relations);
void schema_relations_name_held(struct schema_relations *relations);

#endif
