// SPDX-License-Identifier: MIT
/*
 * The protocol of scheduler/executor.c, pool.c, credits.c and turns.c, for a model checker to try in every order: two
 * nodes, of which the first makes batches as far as its credits go and the second is released by it and waits for the
 * last batch; batches that pass a turn in order; workers that sleep, are rung for, and are parked by a governor.
 *
 * What is under a lock in the program is one atomic step here; every access to an atomic variable is a step of its own.
 * Which of the waiting pieces a worker takes is left open, which covers all priorities and partitions.
 *
 * Checked: no state without a way on but the end (no deadlock, no lost wake, nobody left asleep); a node never has two
 * pieces; no more batches in flight than credits; turns in order and one at a time; every node ends, the second is
 * skipped exactly if the first failed, and all credits are back.
 */
#ifndef BATCHES
#define BATCHES 3
#endif
#ifndef CREDITS
#define CREDITS 2
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef CHANGES
#define CHANGES 2 // of the limit
#endif
#define LOAD    0
#define EMIT    1
#define BATCH   2 // the first one's piece; the others' follow
#define PIECES  (BATCH + BATCHES)

mtype = { IDLE, RUNNING, WOKEN, BLOCKED };
mtype = { WAITING, DONE, FAILED, SKIPPED };
mtype = { STEP_AGAIN, STEP_BLOCKED, STEP_DONE, STEP_FAILED };

// pool.c
bool waits[PIECES], asleep[WORKERS], ended;
byte open, limit = WORKERS, gone;
// executor.c
mtype arm[2] = IDLE, state[2] = WAITING;
// credits.c
byte left = CREDITS, in_flight;
bool wanted;
// turns.c
byte next, turned;
bool early[BATCHES + 1], in_turn;
// what the two nodes do
byte made, unflushed;

inline ring_somebody() {
    i = 0;
    do
    :: i < limit && !asleep[i] -> i++
    :: i < limit && asleep[i] -> asleep[i] = false; break
    :: i == limit -> break
    od;
    i = 0
}

inline ring_for_all() {
    i = 0;
    do
    :: i < WORKERS -> asleep[i] = false; i++
    :: i == WORKERS -> break
    od;
    i = 0
}

inline put(piece) {
    atomic {
        assert(!waits[piece] && !ended);
        waits[piece] = true;
        open++;
        ring_somebody()
    }
}

// graph_wake: takes the node from BLOCKED to RUNNING and puts it, or leaves WOKEN behind. `saw` is this worker's own.
inline wake(node) {
    saw = arm[node];
    do
    :: saw == BLOCKED ->
        atomic { // compare and exchange
            if
            :: arm[node] == saw -> arm[node] = RUNNING; won = true
            :: else -> saw = arm[node]; won = false
            fi
        };
        if
        :: won -> put(node); break
        :: else
        fi
    :: saw == RUNNING ->
        atomic {
            if
            :: arm[node] == saw -> arm[node] = WOKEN; won = true
            :: else -> saw = arm[node]; won = false
            fi
        };
        if
        :: won -> break
        :: else
        fi
    :: else -> break
    od;
    saw = IDLE; won = false
}

inline take_credit() {
    atomic {
        if
        :: left > 0 -> left--; got = true
        :: else -> got = false
        fi
    };
    if
    :: got
    :: else ->
        wanted = true;
        atomic {
            if
            :: left > 0 -> left--; got = true
            :: else
            fi
        }
    fi
}

// One step of the node that makes batches.
inline load_step() {
    if
    :: made == BATCHES -> step = STEP_DONE
    :: made > 0 && made < BATCHES -> step = STEP_FAILED // it may: its source broke
    :: made < BATCHES ->
        take_credit();
        if
        :: !got -> step = STEP_BLOCKED
        :: else ->
            got = false;
            atomic { in_flight++; assert(in_flight <= CREDITS) };
            unflushed++;
            made++;
            put(BATCH + made - 1);
            step = STEP_AGAIN
        fi
    fi
}

inline emit_step() {
    if
    :: unflushed > 0 -> step = STEP_BLOCKED
    :: else -> step = STEP_DONE
    fi
}

// node_task
inline run_node(node) {
    do
    :: arm[node] = RUNNING; // an exchange
        if
        :: node == LOAD -> load_step()
        :: else -> emit_step()
        fi;
        if
        :: step == STEP_AGAIN -> put(node); break
        :: step == STEP_BLOCKED ->
            atomic {
                if
                :: arm[node] == RUNNING -> arm[node] = BLOCKED; won = true
                :: else -> won = false
                fi
            };
            if
            :: won -> won = false; break
            :: else // woken meanwhile: once more
            fi
        :: step == STEP_DONE || step == STEP_FAILED ->
            arm[node] = IDLE;
            if
            :: step == STEP_DONE -> state[node] = DONE
            :: else -> state[node] = FAILED
            fi;
            if
            :: node == LOAD && step == STEP_DONE -> arm[EMIT] = RUNNING; put(EMIT)
            :: node == LOAD && step == STEP_FAILED -> state[EMIT] = SKIPPED
            :: else
            fi;
            break
        fi
    od;
    step = STEP_AGAIN
}

// The end of a batch: its credit goes back, and the last one wakes who waits for all.
inline end_batch() {
    in_flight--;
    left++; // an atomic addition
    if
    :: wanted ->
        atomic { got = wanted; wanted = false }; // an exchange
        if
        :: got -> got = false; wake(LOAD)
        :: else
        fi
    :: else
    fi;
    atomic { unflushed--; got = unflushed == 0 };
    if
    :: got -> got = false; wake(EMIT)
    :: else
    fi
}

// turns_enter: an early batch is kept and run by whoever has the turn before it.
inline run_batch(piece) {
    atomic {
        n = piece - BATCH;
        if
        :: n == next -> got = true
        :: else -> assert(n > next && n - next <= CREDITS && !early[n]); early[n] = true; got = false
        fi
    };
    do
    :: got ->
        got = false;
        atomic { assert(!in_turn && turned == n); in_turn = true };
        atomic { in_turn = false; turned++ };
        end_batch();
        atomic {
            next++;
            n++;
            got = early[n];
            early[n] = false
        }
    :: else -> break
    od;
    n = 0
}

proctype worker(byte me) {
    byte piece, n, i;
    mtype saw = IDLE, step = STEP_AGAIN;
    bool won, got;
    do
    :: atomic { ended -> break }
    :: atomic {
        !ended && me < limit ->
        piece = PIECES;
        // any of those that wait
        if
        :: waits[LOAD] -> piece = LOAD
        :: waits[EMIT] -> piece = EMIT
        :: waits[BATCH] -> piece = BATCH
        :: BATCHES > 1 && waits[BATCH + 1] -> piece = BATCH + 1
        :: BATCHES > 2 && waits[BATCH + 2] -> piece = BATCH + 2
        :: else
        fi;
        if
        :: piece < PIECES -> waits[piece] = false
        :: else -> asleep[me] = true
        fi
       };
       if
       :: piece == PIECES -> !asleep[me]
       :: piece < BATCH -> run_node(piece)
       :: else -> run_batch(piece)
       fi;
       if
       :: piece < PIECES ->
           atomic {
               open--;
               if
               :: open == 0 -> ended = true; ring_for_all()
               :: else
               fi
           }
       :: else
       fi;
       piece = 0
    :: atomic { !ended && me >= limit -> asleep[me] = true }; // parked
       !asleep[me]
    od;
    atomic {
        gone++;
        if
        :: gone == WORKERS -> // what must hold of every end
            assert(state[LOAD] == DONE || state[LOAD] == FAILED);
            assert((state[LOAD] == DONE) == (state[EMIT] == DONE));
            assert((state[LOAD] == FAILED) == (state[EMIT] == SKIPPED));
            assert(left == CREDITS && in_flight == 0 && unflushed == 0 && turned == made)
        :: else
        fi
    }
}

// pool_set_limit, now and then.
proctype governor() {
    byte i, changes;
    do
    :: changes == CHANGES -> break
    :: changes < CHANGES ->
        atomic {
            if
            :: limit = 1
            :: limit = WORKERS
            fi;
            ring_for_all()
        };
        changes++
    od
}

init {
    byte i;
    atomic {
        arm[LOAD] = RUNNING;
        waits[LOAD] = true;
        open = 1;
        do
        :: i < WORKERS -> run worker(i); i++
        :: else -> break
        od;
        run governor()
    }
}
