// SPDX-License-Identifier: MIT
#include "pipeline/manifest/manifest_table.h"

#include "monitor/alerts.h"
#include "pipeline/strategy/strategy.h"
#include "stages/compile/compile.h"
#include "stages/load/load.h"
#include "stages/load/sqlite/sqlite_pool.h"

static const char *undefined_value(size_t i) {
    static const char *const values[] = {"strict", "default", "keep", NULL};
    return values[i];
}

static const char *on_error_value(size_t i) {
    static const char *const values[] = {"skip", "fail", NULL};
    return values[i];
}

static const char *write_value(size_t i) {
    static const char *const values[] = {"replace", "inplace", NULL};
    return values[i];
}

static const char *tier_value(size_t i) {
    static const char *const values[] = {"memory", "file", "redis", NULL};
    return values[i];
}

static const char *op_value(size_t i) {
    return i < ALERT_OPS ? alert_op_names[i] : NULL;
}

static const char *severity_value(size_t i) {
    return i < ALERT_SEVERITIES ? alert_severity_names[i] : NULL;
}

static const char *alert_exit_value(size_t i) {
    return i == ALERT_SEVERITIES ? "never" : severity_value(i);
}

static const char *format_value(size_t i) {
    return load_formats[i] ? load_formats[i]->name : NULL;
}

// Those that people know.
static const char *language_value(size_t i) {
    for (size_t l = 0; languages[l]; l++)
        if (languages[l]->doc && i-- == 0)
            return languages[l]->name;
    return NULL;
}

// Texts have 32-bit sizes, and some room must be left for what is added to them. An output need not be one text.
enum { SIZE_MOST = 1 << 30, CACHED_MOST = 64 << 20, TIME_MOST = 1000000000 };
#define OUTPUT_MOST ((int64_t)1 << 40)

#define WHAT_EXPRESSION "an expression"
#define WHAT_BOOL       "true or false"
#define WHAT_SIZE       "a size up to 1GiB, such as 64MiB"
#define WHAT_WAIT       "a time such as 100ms or 2s"
// The keys of what is tried again.
#define RETRY_KEYS(PATH, DOC)                                                                                \
    {.path = PATH ".retries",                                                                                \
     .forms = FORM_COUNT,                                                                                    \
     .min = 0,                                                                                               \
     .max = 20,                                                                                              \
     .what = "a number from 0 to 20",                                                                        \
     .standard = "0",                                                                                        \
     .doc = DOC},                                                                                            \
    {                                                                                                        \
        .path = PATH ".backoff", .forms = FORM_WAIT, .what = WHAT_WAIT, .standard = "\"100ms\"",             \
        .doc =                                                                                               \
            "How long it waits before that; twice as long each time, up to a minute, and up to a half of "   \
            "it less, by chance."                                                                            \
    }
#define WHAT_TIME      "a time such as 90s, 30m, 2h or 7d"
#define WHAT_TIER_SIZE "a size up to 1024GiB, such as 4GiB; or 0"
#define WHAT_SHARE     "a share such as 90%"
#define WHAT_ON_ERROR  "skip, fail or a mapping with \"fallback\""
#define WHAT_FALLBACK  "the text to put in place of a failed output"
#define DOC_WRITE                                                                                            \
    "How a file that is there already gets new content: replace puts a new file in its place at once, "      \
    "inplace overwrites it, faster where file systems free blocks slowly, but a reader may meet it half "    \
    "written."
#define DOC_UNDEFINED                                                                                        \
    "What a template's use of a missing value does: strict fails the item, default prints nothing, keep "    \
    "prints the expression."
// What may be said of each category of what is cached.
#define CATEGORY_KEYS(NAME, DOC, TTL, MAX, TIERS)                                                            \
    {.path = "cache.categories." NAME,                                                                       \
     .forms = FORM_MAPPING,                                                                                  \
     .what = "a mapping with \"ttl\", \"max\", \"level\" and \"tiers\"",                                     \
     .doc = DOC},                                                                                            \
        {.path = "cache.categories." NAME ".ttl",                                                            \
         .forms = FORM_TIME,                                                                                 \
         .min = 0,                                                                                           \
         .max = TIME_MOST,                                                                                   \
         .what = WHAT_TIME,                                                                                  \
         .standard = TTL,                                                                                    \
         .doc = "How long a value is good; 0: for ever."},                                                   \
        {.path = "cache.categories." NAME ".max",                                                            \
         .forms = FORM_SIZE,                                                                                 \
         .min = 1,                                                                                           \
         .max = CACHED_MOST,                                                                                 \
         .what = "a size up to 64MiB, such as 8MiB",                                                         \
         .standard = MAX,                                                                                    \
         .doc = "Larger values are not kept."},                                                              \
        {.path = "cache.categories." NAME ".level",                                                          \
         .forms = FORM_COUNT,                                                                                \
         .min = 1,                                                                                           \
         .max = 19,                                                                                          \
         .what = "a number from 1 to 19",                                                                    \
         .standard = "3",                                                                                    \
         .doc = "Compression level in the file tier."},                                                      \
    {                                                                                                        \
        .path = "cache.categories." NAME ".tiers", .forms = FORM_TEXTS, .value = tier_value,                 \
        .what = "a list of memory, file and redis", .standard = TIERS,                                       \
        .doc = "Where values are kept, of the tiers that are on."                                            \
    }

#define DOC_ON_ERROR                                                                                         \
    "What a failing item does: skip leaves it out, fail ends the job, fallback puts a text in its place."

const struct manifest_key manifest_keys[] = {
    {.path = "",
     .forms = FORM_MAPPING,
     .what = "a mapping of the manifest's keys",
     .doc = "A pressrun manifest: where records come from and what is made of them."},
    {.path = "name", .forms = FORM_TEXT, .what = "a name", .doc = "What the work is called in reports."},
    {.path = "globals",
     .forms = FORM_ANY,
     .what = "a mapping of names to values",
     .doc = "Values that every template sees; with the one key \"file\", those of a JSON file that holds an "
            "object."},
    {.path = "environment",
     .forms = FORM_TEXT | FORM_TEXTS,
     .what = "the name of an environment variable or a list of names",
     .doc =
         "Environment variables that prompts may name ($NAME, ${NAME}); they are read once, at the start."},
    {.path = "filters",
     .forms = FORM_NAMED,
     .what = "a mapping of names to macros",
     .doc = "Macros that are filters and tests, by name, in all templates and expressions."},
    {.path = "filters.*",
     .forms = FORM_TEXT,
     .noun = "filter",
     .what = "a template and a macro of it, such as lib.j2:slug",
     .doc = "Where the macro is: \"template:macro\". It gets the value, then the filter's arguments. As a "
            "test it "
            "is true where its text, white space around it left out, is neither empty nor \"False\"."},
    {.path = "templates",
     .forms = FORM_ONE | FORM_LISTED,
     .what = "a directory, a store of templates, or a list of such",
     .standard = "[\"templates\"]",
     .doc = "Where templates are searched, in this order; without it \"templates\" if there is such a "
            "directory, else the "
            "manifest's own."},
    {.path = "templates.*",
     .forms = FORM_TEXT | FORM_MAPPING,
     .noun = "store of templates",
     .what = "a directory or a mapping with \"sqlite\"",
     .doc = "A directory, or a store: templates that are rows of a database."},
    {.path = "templates.*.sqlite",
     .forms = FORM_TEXT,
     .required = true,
     .what = "a path",
     .doc = "The database, relative to the manifest. It is read once, by one query, before anything else."},
    {.path = "templates.*.table",
     .forms = FORM_TEXT,
     .what = "the name of a table",
     .doc = "The table that has them; without it and without a query, the only one there is."},
    {.path = "templates.*.query",
     .forms = FORM_TEXT,
     .unless = "table",
     .what = "an SQL query",
     .doc = "What gives them instead of a table, with the columns that `id` and `text` name."},
    {.path = "templates.*.id",
     .forms = FORM_TEXT,
     .what = "the name of a column",
     .standard = "\"id\"",
     .doc = "The column of their names, by which jobs and other templates ask for them."},
    {.path = "templates.*.text",
     .forms = FORM_TEXT,
     .what = "the name of a column",
     .standard = "\"text\"",
     .doc = "The column of their texts."},
    {.path = "templates.*.language",
     .forms = FORM_TEXT,
     .value = language_value,
     .doc = "The language of those whose id has no language's extension; without it jinja."},
    {.path = "templates.*.language_column",
     .forms = FORM_TEXT,
     .what = "the name of a column",
     .doc = "A column with the language of each, before all that its id says; where it is null or empty, as "
            "without it."},
    {.path = "sources",
     .forms = FORM_NAMED,
     .required = true,
     .what = "a mapping of sources",
     .doc = "Where records come from, by name."},
    {.path = "sources.*",
     .forms = FORM_TEXT | FORM_MAPPING,
     .noun = "source",
     .what = "a path or a mapping that describes a source",
     .doc = "One source; a text alone is its path."},
    {.path = "sources.*.path",
     .forms = FORM_TEXT,
     .or_else = "files url",
     .what = "a path",
     .doc = "The file, relative to the manifest; \"-\" is standard input. A url is as \"url\" is."},
    {.path = "sources.*.files",
     .forms = FORM_TEXT,
     .unless = "path",
     .what = "a pattern of paths, such as notes/**/*.md",
     .doc =
         "Instead of a path: every file that the pattern names (links are followed) is a record with path, "
         "directory, name, stem, extension, size, content and meta: its front matter, YAML 1.2 between lines "
         "of ---, or a JSON object."},
    {.path = "sources.*.url",
     .forms = FORM_TEXT,
     .unless = "path files",
     .what = "the url of a database, such as postgresql://host/shop",
     .doc = "Instead of a path: a PostgreSQL database, "
            "postgresql://[user@][host][:port]/[database][?name=value]; what it "
            "leaves out comes from PGHOST, PGUSER and so on, a password from PGPASSWORD or a password file."},
    {.path = "sources.*.format",
     .forms = FORM_TEXT,
     .value = format_value,
     .doc = "The file's format; without it, what the extension says (.zst may follow it)."},
    {.path = "sources.*.pointer",
     .forms = FORM_TEXT,
     .may_be_empty = true,
     .what = "a JSON pointer",
     .doc = "JSON pointer to the array of records inside a JSON document."},
    {.path = "sources.*.columns",
     .forms = FORM_TEXTS,
     .what = "a list of names",
     .doc = "Names of the columns of a CSV file, in its order; without it the first line has them."},
    {.path = "sources.*.header",
     .forms = FORM_BOOL,
     .what = WHAT_BOOL,
     .doc = "Whether the first line of a CSV file is a header; without it, where there are no columns."},
    {.path = "sources.*.delimiter",
     .forms = FORM_TEXT,
     .what = "one character",
     .doc = "What separates the fields of a CSV file; without it, a comma, or a tab in a TSV file."},
    {.path = "sources.*.types",
     .forms = FORM_NAMED,
     .any_name = true,
     .what = "a mapping of columns to types",
     .doc = "Types of a CSV file's columns; the others are text."},
    {.path = "sources.*.types.*",
     .forms = FORM_TEXT,
     .value = column_type_name,
     .noun = "column",
     .doc = "The type; an empty field of a column that is not text is none."},
    {.path = "sources.*.query",
     .forms = FORM_TEXT,
     .unless = "table",
     .what = "an SQL query",
     .doc = "What to read from a database."},
    {.path = "sources.*.table",
     .forms = FORM_TEXT,
     .unless = "schema",
     .what = "the name of a table",
     .doc = "The table of a database to read; without it and without a query, the only one there is."},
    {.path = "sources.*.schema",
     .forms = FORM_BOOL | FORM_MAPPING,
     .unless = "query",
     .what = "true or a mapping that describes what is wanted of the schema",
     .doc =
         "The records are a database's tables and views, with columns, keys and relations, instead of rows."},
    {.path = "sources.*.schema.tables",
     .forms = FORM_TEXT | FORM_TEXTS,
     .what = "a pattern of names or a list of patterns",
     .doc = "Which tables and views are records: * stands for any characters, ? for one; without it, all."},
    {.path = "sources.*.schema.except",
     .forms = FORM_TEXT | FORM_TEXTS,
     .what = "a pattern of names or a list of patterns",
     .doc = "Which of these are not."},
    {.path = "sources.*.schema.irregulars",
     .forms = FORM_NAMED,
     .any_name = true,
     .what = "a mapping of singulars to plurals",
     .doc = "Words whose plural is not known or not as usual, in small letters."},
    {.path = "sources.*.schema.irregulars.*",
     .forms = FORM_TEXT,
     .noun = "word",
     .what = "a word in plural",
     .doc = "The word's plural."},
    {.path = "sources.*.schema.types",
     .forms = FORM_NAMED,
     .what = "a mapping of languages",
     .doc = "What types are called in languages that are not built in, or otherwise than is built in."},
    {.path = "sources.*.schema.types.*",
     .forms = FORM_NAMED,
     .any_name = true,
     .noun = "language",
     .what = "a mapping of types",
     .doc = "A language's types, by declared type, its name alone, or what it amounts to: boolean, integer, "
            "float, "
            "decimal, text, date, time, datetime, json, uuid, blob; any stands for all that have none, array "
            "for "
            "arrays of {}."},
    {.path = "sources.*.schema.types.*.*",
     .forms = FORM_TEXT,
     .noun = "type",
     .what = "what the type is called",
     .doc = "What the type is called in the language."},
    {.path = "sources.*.schema.polymorphic",
     .forms = FORM_NAMED,
     .any_name = true,
     .what = "a mapping of relations such as comments.commentable",
     .doc = "Polymorphic relations whose targets are known: TABLE.NAME, for columns NAME_type and NAME_id."},
    {.path = "sources.*.schema.polymorphic.*",
     .forms = FORM_TEXTS | FORM_NAMED,
     .any_name = true,
     .noun = "relation",
     .what = "a list of tables, or a mapping of values to tables",
     .doc = "The tables it may refer to; with an empty list it is no relation."},
    {.path = "sources.*.schema.polymorphic.*.*",
     .forms = FORM_TEXT,
     .noun = "value",
     .what = "the name of a table",
     .doc = "The table that the value of the type column stands for."},
    {.path = "sources.*.parameters",
     .forms = FORM_ANY,
     .what = "a mapping of names to values",
     .doc = "Values of the query's :names; those that are not among them are looked for in the globals."},
    {.path = "sources.*.split",
     .forms = FORM_TEXT,
     .unless = "schema",
     .what = "the name of a column",
     .doc = "A column with an index, by which a query or table is read in ranges, by several connections at "
            "once and in its order; without it, a table is by its rowid."},
    {.path = "sources.*.connections",
     .forms = FORM_COUNT,
     .min = 1,
     .max = SQLITE_POOL_MOST,
     .what = "a number from 1 to 64",
     .doc = "Connections that read a database's source at once; without it, as many as there may be."},
    RETRY_KEYS(
        "sources.*",
        "How often a source that cannot be opened, or is locked, is tried again; its file may come later."),
    {.path = "sources.*.key",
     .forms = FORM_TEXT,
     .what = WHAT_EXPRESSION,
     .doc = "Jinja expression that names a record in errors and reports."},
    {.path = "sources.*.join",
     .forms = FORM_NAMED,
     .what = "a mapping of fields to what they are joined from",
     .doc = "Fields that each record gets with the records of other sources that belong to it."},
    {.path = "sources.*.join.*",
     .forms = FORM_MAPPING,
     .noun = "join",
     .what = "a mapping with \"from\" and \"on\"",
     .doc = "One such field: a list of records, in their source's order."},
    {.path = "sources.*.join.*.from",
     .forms = FORM_TEXT,
     .required = true,
     .what = "the name of a source",
     .doc = "The source of the records that belong to others."},
    {.path = "sources.*.join.*.on",
     .forms = FORM_TEXT,
     .required = true,
     .what = WHAT_EXPRESSION,
     .doc = "Jinja expression over these records: the key of the record that one belongs to."},
    {.path = "sources.*.join.*.key",
     .forms = FORM_TEXT,
     .what = WHAT_EXPRESSION,
     .doc =
         "Jinja expression over the own records: what `on` is compared with; without it the source's key."},
    {.path = "sources.*.join.*.one",
     .forms = FORM_BOOL,
     .what = WHAT_BOOL,
     .standard = "false",
     .doc = "Whether the field is the one record of that key, or none, instead of a list."},
    {.path = "databases",
     .forms = FORM_MAPPING,
     .what = "a mapping with \"least\", \"most\" and \"timeout\"",
     .doc =
         "How databases are read. Each has its connections, which all of its sources share, and is read as "
         "it was when the first of them was opened."},
    {.path = "databases.least",
     .forms = FORM_COUNT,
     .min = 1,
     .max = SQLITE_POOL_MOST,
     .what = "a number from 1 to 64",
     .standard = "1",
     .doc = "Connections that are opened at once."},
    {.path = "databases.most",
     .forms = FORM_COUNT,
     .min = 1,
     .max = SQLITE_POOL_MOST,
     .what = "a number from 1 to 64",
     .doc = "Connections to a database; without it, up to 8, and never more than there are workers."},
    {.path = "databases.timeout",
     .forms = FORM_WAIT,
     .what = WHAT_WAIT,
     .standard = "\"5s\"",
     .doc = "How long another program's lock, or a connection that is in use, is waited for."},
    {.path = "jobs",
     .forms = FORM_NAMED,
     .or_else = "routes",
     .what = "a mapping of jobs",
     .doc = "What is made of the records, by name."},
    {.path = "jobs.*",
     .forms = FORM_MAPPING,
     .noun = "job",
     .what = "a mapping that describes a job",
     .doc = "One job."},
    {.path = "jobs.*.from",
     .forms = FORM_TEXT,
     .required = true,
     .what = "the name of a source",
     .doc = "The source of the records."},
    {.path = "jobs.*.where",
     .forms = FORM_TEXT,
     .what = WHAT_EXPRESSION,
     .doc = "Jinja expression; only records for which it is true are taken."},
    {.path = "jobs.*.template",
     .forms = FORM_TEXT,
     .required = true,
     .what = "the name of a template",
     .doc = "The template, found in the search path; its extension says its language."},
    {.path = "jobs.*.through",
     .forms = FORM_MAPPING,
     .what = "a mapping with \"command\"",
     .doc = "A filter outside pressrun: each output goes through a process of it, from standard input to "
            "standard output."},
    {.path = "jobs.*.through.command",
     .forms = FORM_TEXTS,
     .required = true,
     .what = "a list of a program and its arguments",
     .doc = "The program, found in PATH or, with a / in it, relative to the manifest, and its arguments as "
            "they are: no shell, no expressions. It runs in the manifest's directory, and has done well when "
            "its exit status is 0; otherwise the output fails."},
    {.path = "jobs.*.through.inputs",
     .forms = FORM_TEXT | FORM_TEXTS,
     .what = "a file or a list of files",
     .standard = "[]",
     .doc = "Files that the filter reads besides, relative to the manifest; they must be there."},
    {.path = "jobs.*.through.seconds",
     .forms = FORM_COUNT,
     .min = 1,
     .max = 1000000,
     .what = "a number of seconds from 1 to 1000000",
     .standard = "10",
     .doc = "Time for filtering one output; then the process is killed, and the output fails."},
    RETRY_KEYS("jobs.*.through", "How often a filter that failed on an output is tried again."),
    {.path = "jobs.*.to",
     .forms = FORM_TEXT,
     .required = true,
     .what = "a path, which may be a template",
     .doc = "Path of the output below the output directory; with a Jinja expression in it one file each, "
            "without one "
            "stream for all."},
    {.path = "jobs.*.group_by",
     .forms = FORM_TEXT,
     .unless = "collect",
     .what = WHAT_EXPRESSION,
     .doc = "Jinja expression; one output for each of its values, whose template sees group and records."},
    {.path = "jobs.*.collect",
     .forms = FORM_BOOL,
     .what = WHAT_BOOL,
     .standard = "false",
     .doc = "One output for all records; the template sees records."},
    {.path = "jobs.*.needs",
     .forms = FORM_TEXT | FORM_TEXTS,
     .what = "the name of a job or a list of names",
     .standard = "[]",
     .doc = "Jobs that must be done before this one begins."},
    {.path = "jobs.*.raw",
     .forms = FORM_BOOL,
     .what = WHAT_BOOL,
     .standard = "false",
     .doc = "In a .jsonl stream, write each output as it is instead of as a JSON string; in a table, take it "
            "for "
            "a JSON object whose keys are columns."},
    {.path = "jobs.*.separator",
     .forms = FORM_TEXT,
     .may_be_empty = true,
     .what = "a text",
     .standard = "\"\"",
     .doc = "What stands between the outputs of a text stream."},
    {.path = "jobs.*.level",
     .forms = FORM_COUNT,
     .min = 1,
     .max = 19,
     .what = "a number from 1 to 19",
     .doc = "Compression level of a .zst output."},
    {.path = "jobs.*.table",
     .forms = FORM_TEXT,
     .what = "the name of a table",
     .doc = "The table of a database to write; without it, the job's name."},
    {.path = "jobs.*.unique",
     .forms = FORM_TEXT | FORM_TEXTS,
     .what = "the name of a column or a list of names",
     .doc = "Columns by which a raw row takes the place of one that is there, as a whole; without it, the "
            "record's "
            "key, in a column \"key\"."},
    {.path = "jobs.*.write",
     .forms = FORM_TEXT,
     .value = write_value,
     .doc = "As the manifest's own write, for this job."},
    {.path = "jobs.*.undefined",
     .forms = FORM_TEXT,
     .value = undefined_value,
     .doc = "As the manifest's own undefined, for this job."},
    {.path = "jobs.*.on_error",
     .forms = FORM_TEXT | FORM_MAPPING,
     .value = on_error_value,
     .what = WHAT_ON_ERROR,
     .doc = "As the manifest's own on_error, for this job."},
    {.path = "jobs.*.on_error.fallback",
     .forms = FORM_TEXT,
     .required = true,
     .may_be_empty = true,
     .what = WHAT_FALLBACK,
     .doc = "The text to put in place of a failed output."},
    {.path = "routes",
     .forms = FORM_NAMED,
     .any_name = true,
     .what = "a mapping of routes",
     .doc = "Which template renders which path of a source of files, by pattern: names of parts, {name}, "
            "{name:int} for digits, {name:path} for any number of parts, * and **. Of the routes that a path "
            "fits the most specific one takes it."},
    {.path = "routes.*",
     .forms = FORM_MAPPING,
     .noun = "route",
     .like = "jobs.*",
     .spares = "from",
     .what = "a mapping that describes a route",
     .doc = "One route: a job for the files of that pattern, with the keys of a job; its templates and "
            "expressions see what stands in the pattern's places by name. \"from\" is needed where there are "
            "several sources of files."},
    {.path = "output",
     .forms = FORM_TEXT,
     .what = "a directory",
     .standard = "\"out\"",
     .doc = "The output directory; nothing is ever written outside it."},
    {.path = "write", .forms = FORM_TEXT, .value = write_value, .standard = "\"replace\"", .doc = DOC_WRITE},
    {.path = "strategy",
     .forms = FORM_TEXT,
     .value = strategy_name,
     .doc = "How a run spends the machine: how many workers, what of the cache, what is watched. The outputs "
            "are "
            "the same with each."},
    {.path = "workers",
     .forms = FORM_COUNT | FORM_MAPPING,
     .min = 1,
     .max = 1024,
     .what = "a number from 1 to 1024, or a mapping with \"least\", \"most\", \"cpu\" and \"memory\"",
     .doc =
         "How many workers there may be, of those the machine gives; a mapping lets their number change on "
         "the way."},
    {.path = "workers.least",
     .forms = FORM_COUNT,
     .min = 1,
     .max = 1024,
     .what = "a number from 1 to 1024",
     .standard = "1",
     .doc = "The fewest workers there are, however busy the machine is."},
    {.path = "workers.most",
     .forms = FORM_COUNT,
     .min = 1,
     .max = 1024,
     .what = "a number from 1 to 1024",
     .doc = "The most; without it, what the machine gives."},
    {.path = "workers.cpu",
     .forms = FORM_SHARE,
     .what = WHAT_SHARE,
     .standard = "\"90%\"",
     .doc = "How busy the machine may be, with all that runs on it: beyond it workers leave, below it they "
            "come back."},
    {.path = "workers.memory",
     .forms = FORM_SHARE,
     .what = WHAT_SHARE,
     .standard = "\"80%\"",
     .doc = "How much of the memory may be used, of the control group or the machine: beyond it loading "
            "pauses, and workers leave."},
    {.path = "undefined",
     .forms = FORM_TEXT,
     .value = undefined_value,
     .standard = "\"strict\"",
     .doc = DOC_UNDEFINED},
    {.path = "jinja",
     .forms = FORM_MAPPING,
     .what = "a mapping of Jinja's options",
     .doc = "Options of the Jinja language."},
    {.path = "jinja.trim_blocks",
     .forms = FORM_BOOL,
     .what = WHAT_BOOL,
     .standard = "false",
     .doc = "The first line end after a block tag is dropped."},
    {.path = "jinja.lstrip_blocks",
     .forms = FORM_BOOL,
     .what = WHAT_BOOL,
     .standard = "false",
     .doc = "White space from the start of a line to a block tag is dropped."},
    {.path = "jinja.keep_trailing_newline",
     .forms = FORM_BOOL,
     .what = WHAT_BOOL,
     .standard = "false",
     .doc = "The line end at the end of a template is kept."},
    {.path = "jinja.autoescape",
     .forms = FORM_BOOL | FORM_TEXTS,
     .what = "true, false or a list of extensions",
     .standard = "[\"html\", \"xml\"]",
     .doc = "Extensions of outputs in which values are escaped; true: in all, false: in none."},
    {.path = "jinja.chat",
     .forms = FORM_BOOL,
     .what = WHAT_BOOL,
     .standard = "false",
     .doc = "Templates are chat templates of language models: both white space options, their functions and "
            "tags."},
    {.path = "on_error",
     .forms = FORM_TEXT | FORM_MAPPING,
     .value = on_error_value,
     .what = WHAT_ON_ERROR,
     .standard = "\"skip\"",
     .doc = DOC_ON_ERROR},
    {.path = "on_error.fallback",
     .forms = FORM_TEXT,
     .required = true,
     .may_be_empty = true,
     .what = WHAT_FALLBACK,
     .doc = "The text to put in place of a failed output."},
    {.path = "limits",
     .forms = FORM_MAPPING,
     .what = "a mapping of limits",
     .doc = "Bounds; an item beyond one fails."},
    {.path = "limits.include_depth",
     .forms = FORM_COUNT,
     .min = 1,
     .max = 200,
     .what = "a number from 1 to 200",
     .standard = "16",
     .doc = "Templates within templates."},
    {.path = "limits.steps",
     .forms = FORM_COUNT,
     .min = 1,
     .max = INT64_MAX,
     .what = "a number from 1",
     .standard = "10000000",
     .doc = "Loop rounds, calls, and the work of filters on many elements for one output."},
    {.path = "limits.output_bytes",
     .forms = FORM_SIZE,
     .min = 1,
     .max = OUTPUT_MOST,
     .what = "a size up to 1024GiB, such as 64MiB",
     .standard = "\"64MiB\"",
     .doc = "Size of one output; beyond 1 MiB it is written while it is rendered."},
    {.path = "limits.record_bytes",
     .forms = FORM_SIZE,
     .min = 1,
     .max = SIZE_MOST,
     .what = WHAT_SIZE,
     .standard = "\"256MiB\"",
     .doc = "Size of one record in its source."},
    {.path = "limits.memory_bytes",
     .forms = FORM_SIZE,
     .min = 1,
     .max = SIZE_MOST,
     .what = WHAT_SIZE,
     .doc = "Memory for making one output."},
    {.path = "limits.join_bytes",
     .forms = FORM_SIZE,
     .min = 1,
     .max = SIZE_MOST,
     .what = WHAT_SIZE,
     .standard = "\"256MiB\"",
     .doc = "Memory for the records that a source joins; beyond it they are in a temporary file."},
    {.path = "limits.seconds",
     .forms = FORM_COUNT,
     .min = 1,
     .max = 1000000,
     .what = "a number of seconds from 1 to 1000000",
     .standard = "10",
     .doc = "Time for rendering one output."},
    {.path = "limits.processes",
     .forms = FORM_COUNT,
     .min = 1,
     .max = 1024,
     .what = "a number from 1 to 1024",
     .doc = "Processes of filters (through) at once; without it, as many as there are workers."},
    {.path = "cache",
     .forms = FORM_MAPPING,
     .what = "a mapping of the cache's settings",
     .doc = "What runs keep to save dear work: where, how much of it and for how long."},
    {.path = "cache.memory",
     .forms = FORM_SIZE | FORM_NULL,
     .min = 0,
     .max = OUTPUT_MOST,
     .what = WHAT_TIER_SIZE,
     .standard = "\"256MiB\"",
     .doc = "Bound of the memory tier, which lasts as long as a run; 0: there is none."},
    {.path = "cache.file",
     .forms = FORM_SIZE | FORM_NULL,
     .min = 0,
     .max = OUTPUT_MOST,
     .what = WHAT_TIER_SIZE,
     .standard = "\"4GiB\"",
     .doc = "Bound of the file tier; 0: there is none."},
    {.path = "cache.dir",
     .forms = FORM_TEXT,
     .what = "a directory",
     .doc = "Where the file tier is, relative to the manifest; several manifests may share it. Without it "
            ".pressrun/cache in the output directory."},
    {.path = "cache.redis",
     .forms = FORM_TEXT | FORM_MAPPING | FORM_NULL,
     .what = "a URL such as redis://host:6379/0, or a mapping with \"url\"",
     .doc = "A redis that several machines share; a text alone is its URL. Where it is down or lies, a run "
            "is slower."},
    {.path = "cache.redis.url",
     .forms = FORM_TEXT,
     .required = true,
     .what = "a URL",
     .doc = "redis://[user:password@]host[:port][/db], or unix:///path[?db=N]."},
    {.path = "cache.redis.prefix",
     .forms = FORM_TEXT,
     .what = "letters, digits and -_.:",
     .standard = "\"pressrun\"",
     .doc = "What all its keys begin with."},
    {.path = "cache.redis.secret_file",
     .forms = FORM_TEXT,
     .unless = "secret_variable",
     .what = "a path",
     .doc = "A file with a secret, relative to the manifest: only those who have it can write values that "
            "are believed."},
    {.path = "cache.redis.secret_variable",
     .forms = FORM_TEXT,
     .what = "the name of an environment variable",
     .doc = "An environment variable that holds the secret."},
    {.path = "cache.categories",
     .forms = FORM_MAPPING,
     .what = "a mapping of source, program, render and through",
     .doc = "What holds for one category of values only."},
    CATEGORY_KEYS("source", "Results of database queries that are slow to give their first row.", "\"2h\"",
                  "\"64MiB\"", "[\"file\", \"redis\"]"),
    CATEGORY_KEYS(
        "program",
        "Compiled templates. They are shared within a run, and nothing of it is kept longer: reading a "
        "program would cost what compiling it does.",
        "0", "\"4MiB\"", "[\"memory\"]"),
    CATEGORY_KEYS("render", "Outputs whose rendering costs more than keeping them.", "0", "\"1MiB\"",
                  "[\"file\", \"redis\"]"),
    CATEGORY_KEYS("through", "What external filters gave.", "0", "\"8MiB\"",
                  "[\"memory\", \"file\", \"redis\"]"),
    CATEGORY_KEYS("schema", "What databases say of their tables, for sources with \"schema\".", "\"2h\"",
                  "\"64MiB\"", "[\"file\", \"redis\"]"),
    CATEGORY_KEYS("types", "The types of such a database's columns in each language.", "\"24h\"", "\"16MiB\"",
                  "[\"file\", \"redis\"]"),
    CATEGORY_KEYS("relations", "Names and relations of such a database's tables.", "\"24h\"", "\"64MiB\"",
                  "[\"file\", \"redis\"]"),
    {.path = "history",
     .forms = FORM_MAPPING,
     .what = "a mapping with \"directory\" and \"keep\"",
     .doc = "Where what is known about each run is kept, and for how long."},
    {.path = "history.directory",
     .forms = FORM_TEXT,
     .what = "a directory",
     .doc = "Where history.db is, relative to the manifest; several manifests may share it. Without it "
            ".pressrun in "
            "the output directory."},
    {.path = "history.keep",
     .forms = FORM_COUNT,
     .min = 0,
     .max = 1000000,
     .what = "a number of runs up to 1000000",
     .standard = "1000",
     .doc = "How many runs are kept, the newest ones; 0: none, and nothing is measured for it."},
    {.path = "monitor",
     .forms = FORM_MAPPING,
     .what = "a mapping with \"statsd\" and \"openmetrics\"",
     .doc = "Who is told how a run goes, once a second and when it is over."},
    {.path = "monitor.statsd",
     .forms = FORM_TEXT,
     .what = "HOST:PORT",
     .doc = "A StatsD server, such as localhost:8125, that is told by datagrams."},
    {.path = "monitor.openmetrics",
     .forms = FORM_TEXT,
     .what = "a file",
     .doc = "A file in the OpenMetrics text format, relative to the manifest; it is replaced whole."},
    {.path = "alerts",
     .forms = FORM_LISTED,
     .what = "a list of rules",
     .doc = "Rules that a run is held to; one that comes true is told on standard error, kept with the "
            "session, and may run a command."},
    {.path = "alerts.*",
     .forms = FORM_MAPPING,
     .noun = "alert",
     .what = "a mapping with \"metric\", \"op\" and \"value\"",
     .doc = "One rule."},
    {.path = "alerts.*.metric",
     .forms = FORM_TEXT,
     .required = true,
     .what = "a metric such as run.seconds or render.p99",
     .doc = "What it looks at: a name of `pressrun help metrics`, or a figure of one of the distributions "
            "there."},
    {.path = "alerts.*.op",
     .forms = FORM_TEXT,
     .required = true,
     .value = op_value,
     .doc =
         "How the metric is compared to the value: greater, greater or equal, less, less or equal, equal."},
    {.path = "alerts.*.value",
     .forms = FORM_NUMBER | FORM_TEXT,
     .required = true,
     .what = "a number, or text such as 90%, 250ms or 2GiB",
     .doc = "What the metric is compared to, in its unit: seconds, bytes, a share of 1, a number."},
    {.path = "alerts.*.severity",
     .forms = FORM_TEXT,
     .value = severity_value,
     .standard = "\"medium\"",
     .doc = "How bad it is."},
    {.path = "alerts.*.for",
     .forms = FORM_WAIT,
     .what = WHAT_WAIT,
     .doc = "It must hold so long without a break. Without it the rule speaks of the run as a whole: it is "
            "judged at the end, or as soon as it cannot become untrue any more."},
    {.path = "alerts.*.command",
     .forms = FORM_TEXTS,
     .what = "a list of a program and its arguments",
     .doc =
         "What to run then: a program, found in PATH or, with a / in it, relative to the manifest, and its "
         "arguments as they are, without a shell. It gets the alert as a JSON object on standard input."},
    {.path = "alert_exit",
     .forms = FORM_TEXT,
     .value = alert_exit_value,
     .standard = "\"never\"",
     .doc = "The least severity of an alert that makes the exit code 3."},
    {.path = NULL},
};

// The row whose rows below it are the keys.
static const struct manifest_key *pattern_of(const struct manifest_key *parent) {
    const struct manifest_key *key = manifest_keys;
    while (parent->like && key->path && strcmp(key->path, parent->like) != 0)
        key++;
    return parent->like ? key : parent;
}

const struct manifest_key *manifest_key_next(const struct manifest_key *parent,
                                             const struct manifest_key *previous) {
    parent = pattern_of(parent);
    size_t n = strlen(parent->path);
    for (const struct manifest_key *key = previous ? previous + 1 : parent + 1; key->path; key++) {
        if (n && (strncmp(key->path, parent->path, n) != 0 || key->path[n] != '.'))
            continue;
        if (!strchr(key->path + n + (n > 0), '.'))
            return key;
    }
    return NULL;
}

bool manifest_key_required(const struct manifest_key *parent, const struct manifest_key *key) {
    return key->required && !(parent->spares && strcmp(manifest_key_name(key), parent->spares) == 0);
}

const struct manifest_key *manifest_key_child(const struct manifest_key *parent, struct str name) {
    for (const struct manifest_key *key = NULL; (key = manifest_key_next(parent, key));) {
        if (str_is(name, manifest_key_name(key)))
            return key;
    }
    return NULL;
}

const char *manifest_key_name(const struct manifest_key *key) {
    const char *dot = strrchr(key->path, '.');
    return dot ? dot + 1 : key->path;
}

bool manifest_key_word(const char **words, struct str *word) {
    if (!*words || !**words)
        return false;
    *word = (struct str){*words, strcspn(*words, " ")};
    *words += word->n + ((*words)[word->n] == ' ');
    return true;
}

void manifest_key_write_what(const struct manifest_key *key, struct buf *out) {
    if (key->what) {
        buf_add_text(out, key->what);
        return;
    }
    for (size_t i = 0; key->value(i); i++)
        buf_printf(out, "%s%s", i == 0 ? "" : key->value(i + 1) ? ", " : " or ", key->value(i));
}

struct unit {
    const char *suffix;
    uint64_t size;
};

// A whole number above 0 of at most so many digits, a space if one likes, one of the units: in the smallest of them.
static bool parse_quantity(struct str text, size_t digits, const struct unit *units, size_t units_n,
                           uint64_t *out) {
    uint64_t sum = 0;
    size_t i = 0;
    for (; i < text.n && i < digits && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        sum = sum * 10 + (uint64_t)(text.p[i] - '0');
    if (i == 0 || text.p[0] == '0')
        return false;
    const struct str suffix = str_from(text, i + (i < text.n && text.p[i] == ' '));
    for (size_t k = 0; k < units_n; k++) {
        if (str_is(suffix, units[k].suffix)) {
            *out = sum * units[k].size;
            return true;
        }
    }
    return false;
}

#define PARSE_QUANTITY(text, digits, units, out)                                                             \
    parse_quantity(text, digits, units, sizeof(units) / sizeof *(units), out)

bool manifest_parse_size(struct str text, uint64_t *bytes) {
    static const struct unit units[] = {{"B", 1},           {"kB", 1000},     {"MB", 1000000},
                                        {"GB", 1000000000}, {"KiB", 1 << 10}, {"MiB", 1 << 20},
                                        {"GiB", 1 << 30}};
    return PARSE_QUANTITY(text, 10, units, bytes);
}

bool manifest_parse_time(struct str text, uint64_t *seconds) {
    static const struct unit units[] = {{"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    return PARSE_QUANTITY(text, 9, units, seconds);
}

bool manifest_parse_wait(struct str text, uint64_t *milliseconds) {
    static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}};
    return PARSE_QUANTITY(text, 5, units, milliseconds);
}

bool manifest_parse_share(struct str text, uint64_t *permille) {
    uint64_t sum = 0;
    size_t i = 0;
    for (; i < text.n && i < 3 && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        sum = sum * 10 + (uint64_t)(text.p[i] - '0');
    if (i == 0 || (i > 1 && text.p[0] == '0'))
        return false;
    sum *= 10;
    if (i + 1 < text.n && text.p[i] == '.' && text.p[i + 1] >= '0' && text.p[i + 1] <= '9') {
        sum += (uint64_t)(text.p[i + 1] - '0');
        i += 2;
    }
    *permille = sum;
    return sum > 0 && sum <= 1000 && str_is(str_from(text, i), "%");
}

bool manifest_is_name(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && c != '_' && c != '.' && c != '-')
            return false;
    }
    return text.n > 0;
}
