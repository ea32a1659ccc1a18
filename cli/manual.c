// SPDX-License-Identifier: MIT
#include "cli/manual.h"

#include "cli/command.h"
#include "cli/reference.h"
#include "stages/compile/compile.h"

// Text as roff has it: no escapes, no requests, hyphens that can be copied.
static void add_escaped(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool starts_line = !out->n || out->p[out->n - 1] == '\n';
        if (c == '\\')
            buf_add_text(out, "\\e");
        else if (c == '-')
            buf_add_text(out, "\\-");
        else if (c == '\'')
            buf_add_text(out, "\\(aq");
        else if (c == '"')
            buf_add_text(out, "\\(dq");
        else if (c == '`')
            buf_add_text(out, "\\(ga");
        else if (c == '^')
            buf_add_text(out, "\\(ha");
        else if (c == '~')
            buf_add_text(out, "\\(ti");
        else {
            if (c == '.' && starts_line)
                buf_add_text(out, "\\&");
            buf_add_char(out, c);
        }
    }
}

static void add_text(struct buf *out, const char *text) {
    add_escaped(out, str_of(text));
}

static void add_title(struct buf *out, const char *page, int section, const char *summary) {
    buf_printf(out, ".TH %s %d \"\" \"pressrun " PRESSRUN_VERSION "\"\n.SH NAME\n", page, section);
    add_text(out, page);
    buf_add_text(out, " \\- ");
    add_text(out, summary);
    buf_add_char(out, '\n');
}

// Paragraphs as `help COMMAND` has them: parted by empty lines; lines that begin with blanks are kept as they are.
static void add_paragraphs(struct buf *out, const char *text) {
    bool kept = false, begun = false;
    for (const char *end; *text; text = end + (*end == '\n')) {
        end = strchrnul(text, '\n');
        struct str line = {text, (size_t)(end - text)};
        bool keep = str_starts(line, STR("    "));
        if (kept && !keep)
            buf_add_text(out, ".EE\n.RE\n");
        if (!line.n || !begun)
            buf_add_text(out, kept || !begun || *end ? ".PP\n" : "");
        if (keep && !kept)
            buf_add_text(out, ".RS 4\n.EX\n");
        kept = keep;
        begun = true;
        if (!line.n)
            continue;
        add_escaped(out, keep ? str_from(line, 4) : line);
        buf_add_char(out, '\n');
    }
    if (kept)
        buf_add_text(out, ".EE\n.RE\n");
}

static void add_option(struct buf *out, const struct option_spec *option) {
    buf_add_text(out, ".TP\n");
    if (option->letter)
        buf_printf(out, "\\fB\\-%c\\fR, ", option->letter);
    buf_add_text(out, "\\fB\\-\\-");
    add_text(out, option->name);
    buf_add_text(out, "\\fR");
    if (option->argument) {
        buf_add_text(out, " \\fI");
        add_text(out, option->argument);
        buf_add_text(out, "\\fR");
    }
    buf_add_char(out, '\n');
    add_text(out, option->doc);
    buf_add_char(out, '\n');
}

static void add_command(struct buf *out, const struct command *command) {
    buf_printf(out, ".SS pressrun %s\n.B pressrun %s\n", command->name, command->name);
    add_text(out, command->arguments);
    buf_add_text(out, *command->arguments ? "\n.PP\n" : ".PP\n");
    add_text(out, command->summary);
    buf_add_text(out, ".\n");
    add_paragraphs(out, command->details);
    for (const struct option_spec *option = command->options; option->name; option++)
        add_option(out, option);
}

static void write_commands(struct buf *out) {
    add_title(out, "pressrun", 1, "regenerate large sets of text from templates and records");
    buf_add_text(out, ".SH SYNOPSIS\n.B pressrun\n.I command\n[\\fIoptions\\fR]\n.SH DESCRIPTION\n");
    add_text(
        out,
        "Renders templates over records: prompts, code, configuration, mails, pages. A manifest "
        "(pressrun.yaml) says\n"
        "which records, which templates and which outputs; \"pressrun help manifest\" lists its keys.\n");
    buf_add_text(out, ".SH COMMANDS\n");
    for (size_t i = 0; commands[i]; i++)
        add_command(out, commands[i]);
    buf_add_text(out, ".SH SEE ALSO\n.BR pressrun\\-templates (7)\n");
}

static void add_function(struct buf *out, size_t kind, const struct library_function *f, bool chat_only) {
    struct buf text = BUF_INIT;
    reference_write_signature(kind, f, &text);
    buf_add_text(out, ".TP\n\\fB");
    add_escaped(out, buf_str(&text));
    buf_add_text(out, "\\fR\n");
    add_text(out, f->doc);
    buf_add_text(out, chat_only ? " (chat templates)\n" : "\n");
    buf_clear(&text);
    reference_write_rest(f, &text);
    if (text.n) {
        add_escaped(out, buf_str(&text));
        buf_add_char(out, '\n');
    }
    buf_release(&text);
}

static void write_templates(struct buf *out) {
    add_title(out, "pressrun-templates", 7,
              "languages, filters, tests and functions of pressrun's templates");
    buf_add_text(out, ".SH LANGUAGES\n");
    for (size_t i = 0; languages[i]; i++) {
        if (!languages[i]->doc)
            continue;
        buf_printf(out, ".TP\n.B %s\n", languages[i]->name);
        add_text(out, languages[i]->doc);
        for (const char *const *e = languages[i]->extensions; *e; e++) {
            buf_add_text(out, e == languages[i]->extensions ? "; files named *" : ", *");
            add_text(out, *e);
        }
        buf_add_char(out, '\n');
    }
    for (size_t kind = 0; kind < REFERENCE_KINDS; kind++) {
        const struct reference_kind *k = &reference_kinds[kind];
        buf_add_text(out, ".SH ");
        for (const char *c = k->plural; *c; c++)
            buf_add_char(out, (char)(*c - 'a' + 'A'));
        buf_add_text(out, "\nOf Jinja, used as ");
        const char *place = strstr(k->use, "%s");
        add_escaped(out, (struct str){k->use, (size_t)(place - k->use)});
        buf_printf(out, "\\fI%s\\fR", k->name);
        add_text(out, place + 2);
        buf_add_text(out, ".\n");
        const struct library_function *f;
        bool chat_only;
        for (size_t i = 0; (f = reference_row(kind, i, &chat_only)); i++)
            add_function(out, kind, f, chat_only);
    }
    buf_add_text(out, ".SH SEE ALSO\n.BR pressrun (1)\n");
}

bool manual_write(const char *page, struct buf *out) {
    if (strcmp(page, "pressrun") == 0)
        write_commands(out);
    else if (strcmp(page, "pressrun-templates") == 0)
        write_templates(out);
    else
        return false;
    return true;
}
