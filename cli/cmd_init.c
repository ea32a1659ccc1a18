// SPDX-License-Identifier: MIT
// pressrun init: a small working project that `run` accepts at once.
#include <fcntl.h>
#include <stdio.h>

#include "cli/command.h"

static const struct option_spec init_options[] = {OPTIONS_COMMON, {0}};

static const struct project_file {
    const char *path, *text;
} project[] = {
    {"pressrun.yaml",
     "# Every key: pressrun help manifest. For editors: pressrun schema > pressrun.schema.json\n"
     "name: greetings\n"
     "sources:\n"
     "  people: { path: data/people.jsonl, key: id }\n"
     "jobs:\n"
     "  letters:                            # one file per record\n"
     "    from: people\n"
     "    where: subscribed\n"
     "    template: letter.txt.j2\n"
     "    to: \"letters/{{ country }}/{{ id }}.txt\"\n"
     "  countries:                          # one page per country\n"
     "    from: people\n"
     "    group_by: country\n"
     "    template: country.html.j2\n"
     "    to: \"countries/{{ group }}.html\"\n"
     "  names:                              # all in one file, a JSON string a line\n"
     "    from: people\n"
     "    template: name.j2\n"
     "    to: names.jsonl\n"
     "output: out\n"
     "jinja: { trim_blocks: true, lstrip_blocks: true, keep_trailing_newline: true }\n"},
    {"data/people.jsonl",
     "{\"id\": 1, \"name\": \"Ada\", \"country\": \"gb\", \"subscribed\": true, \"topics\": [\"engines\", "
     "\"numbers\"]}\n"
     "{\"id\": 2, \"name\": \"Zoë\", \"country\": \"fr\", \"subscribed\": true, \"topics\": [\"rivers\"]}\n"
     "{\"id\": 3, \"name\": \"Søren\", \"country\": \"dk\", \"subscribed\": false, \"topics\": []}\n"
     "{\"id\": 4, \"name\": \"Grace\", \"country\": \"gb\", \"subscribed\": true, \"topics\": []}\n"},
    {"templates/letter.txt.j2", "Dear {{ name }},\n"
                                "\n"
                                "{% if topics %}\n"
                                "new this week:\n"
                                "{% for topic in topics %}\n"
                                "  {{ loop.index }}. {{ topic }}\n"
                                "{% endfor %}\n"
                                "{% else %}\n"
                                "there is nothing new this week.\n"
                                "{% endif %}\n"
                                "{% include \"footer.txt.j2\" %}\n"},
    {"templates/footer.txt.j2", "\nYours, pressrun\n"},
    {"templates/country.html.j2", "<!DOCTYPE html>\n"
                                  "<title>{{ group|upper }}</title>\n"
                                  "<h1>{{ group|upper }}: {{ records|length }}</h1>\n"
                                  "<ul>\n"
                                  "{% for person in records %}\n"
                                  "  <li>{{ person.name }}</li>\n"
                                  "{% endfor %}\n"
                                  "</ul>\n"},
    {"templates/name.j2", "{{ name }}"},
};
enum { PROJECT_FILES = sizeof project / sizeof *project };

static int make_directory(const struct fs *fs, int dir, const char *path) {
    int made = fs_make_dirs(fs, dir, path, 0777);
    return made < 0 ? cli_fail_os(-made, "cannot make the directory %s", path) : EXIT_DONE;
}

static int write_file(const struct fs *fs, int dir, const struct project_file *file) {
    struct err err;
    int fd = fs->open(fs->self, dir, file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return cli_fail_os(-fd, "cannot write %s", file->path);
    enum status status = fs_write_all(fs, fd, file->text, strlen(file->text), &err);
    int closed = fs->close(fs->self, fd);
    return status == STATUS_OK && closed == 0 ? EXIT_DONE : cli_fail("cannot write %s", file->path);
}

// Nothing is overwritten: every file must be new, and that is checked before any is written.
static int refuse_existing(const struct fs *fs, int dir) {
    for (size_t i = 0; i < PROJECT_FILES; i++) {
        int fd = fs->open(fs->self, dir, project[i].path, O_PATH | O_CLOEXEC, 0);
        if (fd >= 0) {
            fs->close(fs->self, fd);
            return cli_fail("%s is there already; init never overwrites", project[i].path);
        }
    }
    return EXIT_DONE;
}

static int write_project(struct cli *cli, int dir, const char *name) {
    int code = refuse_existing(&cli->fs, dir);
    if (code == EXIT_DONE)
        code = make_directory(&cli->fs, dir, "data");
    if (code == EXIT_DONE)
        code = make_directory(&cli->fs, dir, "templates");
    for (size_t i = 0; i < PROJECT_FILES && code == EXIT_DONE; i++)
        code = write_file(&cli->fs, dir, &project[i]);
    if (code != EXIT_DONE || cli->quiet)
        return code;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < PROJECT_FILES; i++)
        buf_printf(&text, "%s/%s\n", name, project[i].path);
    buf_printf(&text, "\nNext: pressrun run -C %s\n", name);
    cli_print(buf_str(&text));
    buf_release(&text);
    return EXIT_DONE;
}

static int run_init(struct cli *cli, const struct options *options) {
    if (options->arguments_n > 1)
        return cli_argument_error(&command_init, "one directory at a time");
    const char *name = options->arguments_n ? options->arguments[0] : ".";
    if (make_directory(&cli->fs, AT_FDCWD, name) != EXIT_DONE)
        return EXIT_USAGE;
    int dir = cli->fs.open(cli->fs.self, AT_FDCWD, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (dir < 0)
        return cli_fail_os(-dir, "cannot open %s", name);
    int code = write_project(cli, dir, name);
    cli->fs.close(cli->fs.self, dir);
    return code;
}

const struct command command_init = {
    .name = "init",
    .arguments = "[DIR]",
    .summary = "make a small working project",
    .details =
        "Writes a manifest, a few records and templates into DIR (default: here). Nothing is overwritten.\n",
    .options = init_options,
    .run = run_init,
};
