// SPDX-License-Identifier: MIT
#include "monitor/alerts_json.h"

json_t *alert_json(const struct alert *alert) {
    const struct alert_rule *rule = alert->rule;
    json_t *object = json_object();
    json_object_set_new(object, "metric", json_stringn(rule->metric.p, rule->metric.n));
    json_object_set_new(object, "op", json_string(alert_op_names[rule->op]));
    json_object_set_new(object, "value", json_real(rule->value));
    json_object_set_new(object, "severity", json_string(alert_severity_names[rule->severity]));
    if (rule->lasting > 0)
        json_object_set_new(object, "for", json_real(rule->lasting));
    json_object_set_new(object, "state",
                        json_string(alert->fired   ? "fired"
                                    : alert->known ? "quiet"
                                                   : "unknown"));
    if (alert->fired) {
        json_object_set_new(object, "at", json_real(alert->at));
        json_object_set_new(object, "live", json_boolean(alert->live));
        json_object_set_new(object, "observed", json_real(alert->value));
    }
    if (alert->known)
        json_object_set_new(object, "last", json_real(alert->last));
    return object;
}

json_t *alerts_json(const struct alerts *alerts) {
    json_t *array = json_array();
    for (size_t i = 0; i < alerts->n; i++)
        json_array_append_new(array, alert_json(&alerts->alerts[i]));
    return array;
}
