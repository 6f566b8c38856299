#include "cli/commands/event_printer.h"

namespace skald::cli {

bool EventPrinter::print(const EventView& event) {
    output_.event(event);
    if (left_ && --*left_ == 0) {
        end();
    }
    return !done_;
}

bool EventPrinter::flush() {
    auto flushed = output_.flush();
    if (!flushed) {
        end(flushed.error());
    }
    return flushed.has_value();
}

void EventPrinter::end() {
    done_ = true;
    stop_.request();
}

void EventPrinter::end(Error why) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(why);
    end();
}

std::optional<Error> EventPrinter::error() {
    const std::lock_guard lock(mutex_);
    return error_;
}

}  // namespace skald::cli
