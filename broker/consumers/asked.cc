#include "broker/consumers/asked.h"

#include <algorithm>

#include "base/schedule.h"
#include "skald/work_terms.h"

namespace skald::broker {
namespace {

Time later(Time time, std::chrono::microseconds by) {
    return Time{time.us + by.count()};
}

Result<Time> first_due(const EventView& event, const WorkTerms& said) {
    if (said.at) {
        return *said.at;
    }
    if (said.delay || said.repeat.empty()) {
        return later(event.recorded_at, said.delay.value_or(std::chrono::milliseconds(0)));
    }
    const auto schedule = Schedule::parse(said.repeat);
    if (!schedule) {
        return schedule.error();
    }
    return schedule->next(event.recorded_at, event.recorded_at).value_or(event.recorded_at);
}

}  // namespace

std::shared_ptr<const Asked> asked_of(const EventView& event) {
    const auto said = work_terms_of(event);
    if (said && *said == WorkTerms{}) {
        return nullptr;
    }
    auto asked = std::make_shared<Asked>();
    const auto due = said ? first_due(event, *said) : said.error();
    if (!due) {
        asked->fault = due.error().message;
        return asked;
    }
    asked->due = *due;
    if (said->ttl) {
        asked->terms.expires = later(std::max(*due, event.recorded_at), *said->ttl);
    }
    asked->terms.high = said->high;
    asked->terms.repeat = said->repeat;
    asked->terms.anchor = said->repeat.empty() ? Time{} : *due;
    return asked;
}

}  // namespace skald::broker
