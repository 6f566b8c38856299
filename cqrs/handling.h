// What is said of an event that a handler fails at.
//
// Threads: any.
#pragma once

#include <exception>

#include "skald/event.h"
#include "skald/result.h"

namespace skald::cqrs {

// handler_failed; null: what was thrown is no std::exception.
Error thrown(const char* what);
// The error with the place of the event in front.
Error at_event(const EventView& event, const Error& error);

// fn()'s result, or what it threw.
template <typename Fn>
Result<void> guarded(const Fn& fn) {
    try {
        return fn();
    } catch (const std::exception& e) {
        return thrown(e.what());
    } catch (...) {
        return thrown(nullptr);
    }
}

}  // namespace skald::cqrs
