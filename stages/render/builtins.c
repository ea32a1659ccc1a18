// SPDX-License-Identifier: MIT
#include "stages/render/builtins.h"

#include "stages/render/filters.h"
#include "stages/render/globals.h"
#include "stages/render/tests.h"

static const struct library_function filters[] = {
    {"abs", "", filter_abs, "the absolute value"},
    {"attr", "name", filter_attr, "an attribute, never a key"},
    {"batch", "linecount [fill_with]", filter_batch, "lists of so many elements each"},
    {"capitalize", "", filter_capitalize, "the first character in upper case, the others in lower case"},
    {"center", "[width]", filter_center, "centred in a field"},
    {"count", "", filter_length, "how many elements or characters"},
    {"d", "[default_value boolean]", filter_default, "the default where the value is undefined"},
    {"default", "[default_value boolean]", filter_default, "the default where the value is undefined"},
    {"dictsort", "[case_sensitive by reverse]", filter_dictsort, "sorted pairs of a mapping"},
    {"e", "", filter_escape, "escaped for HTML"},
    {"escape", "", filter_escape, "escaped for HTML"},
    {"filesizeformat", "[binary]", filter_filesizeformat, "a number of bytes as 13.2 kB"},
    {"first", "", filter_first, "the first element"},
    {"float", "[default]", filter_float, "as a float, or the default"},
    {"forceescape", "", filter_forceescape, "escaped for HTML, even if safe already"},
    {"format", "* [**", filter_format, "the value as a format with % conversions"},
    {"groupby", "attribute [default case_sensitive]", filter_groupby,
     "groups of elements with the same attribute"},
    {"indent", "[width first blank]", filter_indent, "lines indented, all but the first"},
    {"int", "[default base]", filter_int, "as an integer, or the default"},
    {"items", "", filter_items, "pairs of a mapping"},
    {"join", "[d attribute]", filter_join, "the elements as one text"},
    {"last", "", filter_last, "the last element"},
    {"length", "", filter_length, "how many elements or characters"},
    {"list", "", filter_list, "the elements as a list"},
    {"lower", "", filter_lower, "in lower case"},
    {"map", "* [**", filter_map, "a filter applied to each element, or an attribute of each"},
    {"max", "[case_sensitive attribute]", filter_max, "the greatest element"},
    {"min", "[case_sensitive attribute]", filter_min, "the least element"},
    {"pprint", "", filter_pprint, "printed over several lines, for looking at"},
    {"random", "", filter_random, "refused, since it is random"},
    {"reject", "* [**", filter_reject, "the elements that fail a test"},
    {"rejectattr", "* [**", filter_rejectattr, "the elements with an attribute that fails a test"},
    {"replace", "old new [count]", filter_replace, "with one text replaced by another"},
    {"reverse", "", filter_reverse, "the other way round"},
    {"round", "[precision method]", filter_round, "rounded to so many decimals"},
    {"safe", "", filter_safe, "as markup that is not escaped"},
    {"select", "* [**", filter_select, "the elements that pass a test"},
    {"selectattr", "* [**", filter_selectattr, "the elements with an attribute that passes a test"},
    {"slice", "slices [fill_with]", filter_slice, "so many lists of about the same length"},
    {"sort", "[reverse case_sensitive attribute]", filter_sort, "sorted"},
    {"string", "", filter_string, "as text"},
    {"striptags", "", filter_striptags, "without tags, white space joined"},
    {"sum", "[attribute start]", filter_sum, "the sum of the elements"},
    {"title", "", filter_title, "each word with a capital"},
    {"tojson", "[indent]", filter_tojson, "as JSON that may stand in a page"},
    {"trim", "[chars]", filter_trim, "without white space, or these characters, at both ends"},
    {"truncate", "[length killwords end leeway]", filter_truncate, "cut to a length"},
    {"unique", "[case_sensitive attribute]", filter_unique, "each element once"},
    {"upper", "", filter_upper, "in upper case"},
    {"urlencode", "", filter_urlencode, "quoted for an address"},
    {"urlize", "[trim_url_limit nofollow target rel extra_schemes]", filter_urlize, "addresses as links"},
    {"wordcount", "", filter_wordcount, "how many words"},
    {"wordwrap", "[width break_long_words wrapstring break_on_hyphens]", filter_wordwrap,
     "in lines of a width"},
    {"xmlattr", "[autospace]", filter_xmlattr, "a mapping as attributes of a tag"},
};

static const struct library builtin = {
    .filters = filters,
    .filters_n = sizeof filters / sizeof *filters,
    .tests = tests_rows,
    .tests_n = TESTS_COUNT,
    .globals = globals_rows,
    .globals_n = GLOBALS_COUNT,
};

const struct library *library_builtin(void) {
    return &builtin;
}
