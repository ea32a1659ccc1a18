# SPDX-License-Identifier: MIT
# Which build `make test` runs a test in. As a rule that is the one under the address sanitizer, once. `make soak` runs all of
# them in each.
#
#   plain         in gcc's plain build alone: what asks Python, counts twice, measures memory or kills the program from outside
#   threads       under the thread sanitizer alone
#   threads_too   under both: what has threads
#
# What only examples, benches and rules need is `plain` as well. (A limit on file sizes, as in cache-through, is more than
# clang's OpenMP survives, and what is dear enough for the cache takes other times under the thread sanitizer.)
#
# The targets plain_tests and threaded_tests are what these builds want.
set(PRESSRUN_PLAIN "^golden[.](reference|corpus|jobs|strategies)|^fault[.](kill|resume|damage|edit|fail|review|signal|workers|system|paths|records|sources|templates|pages|work|mutate)$|^unit[.](statistics_reference|test_emit_faults|test_ranking|test_reader_jansson|test_staging|test_table|test_vm_pieces)$|^cli[.](bench.*|run-(batches|partition|trace)|source-postgresql|strategies)$")
set(PRESSRUN_THREADS "^fault[.]strategies$|^unit[.]test_graph$")
set(PRESSRUN_THREADS_TOO "^fault[.]crowd$|^unit[.]test_(breaker|cache|csv_values|fs|governor|history|jobserver|join_index|journal_faults|loadgen|packs|packs_list|pool|pressure|publish|redis|schedules|shape|snapshot|tables|templates|through|trace|workers)$|^cli[.](all-errors-at-once|cache-(foreign|options|redis|shared)|collisions-between-jobs|interrupt.*|joins|load-failure-stops-jobs|monitor|report|run-.*|sink-.*|source-.*|stream-withdrawn|verify-streams)$")

add_custom_target(plain_tests)
add_custom_target(threaded_tests)

# Labels a test, and says which program it runs where that is one of its own.
function(pressrun_labels test label)
    set(labels ${label})
    if(test MATCHES "${PRESSRUN_PLAIN}")
        list(APPEND labels plain)
    elseif(test MATCHES "${PRESSRUN_THREADS}")
        list(APPEND labels threads)
    elseif(test MATCHES "${PRESSRUN_THREADS_TOO}")
        list(APPEND labels threads_too)
    endif()
    set_tests_properties(${test} PROPERTIES LABELS "${labels}")
    if(ARGN AND "plain" IN_LIST labels)
        add_dependencies(plain_tests ${ARGN})
    elseif(ARGN AND ("threads" IN_LIST labels OR "threads_too" IN_LIST labels))
        add_dependencies(threaded_tests ${ARGN})
    endif()
endfunction()
