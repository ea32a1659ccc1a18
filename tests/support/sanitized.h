// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SANITIZED_H
#define PRESSRUN_TESTS_SANITIZED_H
/*
 * Which sanitizer this is built with, for tests that try everything: it makes them take ten times as long, and finds what
 * it finds in a part of it. The plain builds of `make soak` try it all.
 */
#ifndef __has_feature // which clang says it by, and gcc by names
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { SANITIZED_ADDRESSES = 1 };
#else
enum { SANITIZED_ADDRESSES = 0 };
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
enum { SANITIZED_THREADS = 1 };
#else
enum { SANITIZED_THREADS = 0 };
#endif

// Of all calls and bits every so many-th is tried; 7: of each byte another bit.
enum { SANITIZED_STEP = SANITIZED_ADDRESSES || SANITIZED_THREADS ? 7 : 1 };

#endif
