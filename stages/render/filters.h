// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_FILTERS_H
#define PRESSRUN_STAGES_RENDER_FILTERS_H
/*
 * The built-in filters, one function each, in files by family. filters.def is the table of them, with their
 * signatures; library.h says what a call is.
 *
 * To add a filter: write the function, declare it here, add one row in filters.def.
 */
#include "stages/program/library.h"

// filters_text.c, wordwrap.c
bool filter_capitalize(struct call *call);
bool filter_center(struct call *call);
bool filter_format(struct call *call);
bool filter_indent(struct call *call);
bool filter_lower(struct call *call);
bool filter_replace(struct call *call);
bool filter_string(struct call *call);
bool filter_title(struct call *call);
bool filter_trim(struct call *call);
bool filter_truncate(struct call *call);
bool filter_upper(struct call *call);
bool filter_wordcount(struct call *call);
bool filter_wordwrap(struct call *call);

// filters_list.c
bool filter_batch(struct call *call);
bool filter_first(struct call *call);
bool filter_items(struct call *call);
bool filter_join(struct call *call);
bool filter_last(struct call *call);
bool filter_length(struct call *call);
bool filter_list(struct call *call);
bool filter_random(struct call *call);
bool filter_reverse(struct call *call);
bool filter_slice(struct call *call);
bool filter_sum(struct call *call);

// filters_order.c
bool filter_dictsort(struct call *call);
bool filter_groupby(struct call *call);
bool filter_max(struct call *call);
bool filter_min(struct call *call);
bool filter_sort(struct call *call);
bool filter_unique(struct call *call);

// filters_pick.c
bool filter_attr(struct call *call);
bool filter_default(struct call *call);
bool filter_map(struct call *call);
bool filter_reject(struct call *call);
bool filter_rejectattr(struct call *call);
bool filter_select(struct call *call);
bool filter_selectattr(struct call *call);

// filters_number.c
bool filter_abs(struct call *call);
bool filter_filesizeformat(struct call *call);
bool filter_float(struct call *call);
bool filter_int(struct call *call);
bool filter_round(struct call *call);

// filters_html.c, urlize.c
bool filter_escape(struct call *call);
bool filter_forceescape(struct call *call);
bool filter_pprint(struct call *call);
bool filter_safe(struct call *call);
bool filter_striptags(struct call *call);
bool filter_tojson(struct call *call);
bool filter_urlencode(struct call *call);
bool filter_urlize(struct call *call);
bool filter_xmlattr(struct call *call);

// chat.c
bool filter_tojson_chat(struct call *call);

// The argument `indent` of both, a number or the text of a level, as json.dumps takes it.
struct json_style;
bool json_indent(struct call *call, uint32_t i, struct json_style *style);

#endif
