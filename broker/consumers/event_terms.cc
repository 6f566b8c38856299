#include "broker/consumers/event_terms.h"

#include <algorithm>

#include "base/glob.h"
#include "base/schedule.h"
#include "skald/work_terms.h"

namespace skald::broker {
namespace {

// A page of events that ask such things is one record of the consumer.
constexpr std::size_t kRepeatBytesMax = 256;
constexpr std::size_t kFaultBytesMax = 200;

Time later(Time time, std::chrono::microseconds by) {
    return Time{time.us + by.count()};
}

Result<Time> first_due(const EventView& event, const WorkTerms& said) {
    std::optional<Time> scheduled;
    if (!said.repeat.empty()) {
        const auto schedule = said.repeat.size() <= kRepeatBytesMax
                                  ? Schedule::parse(said.repeat)
                                  : Error(Errc::invalid_argument, "its schedule is too long");
        if (!schedule) {
            return schedule.error();
        }
        scheduled = schedule->next(event.recorded_at, event.recorded_at);
    }
    if (said.at) {
        return *said.at;
    }
    if (said.delay) {
        return later(event.recorded_at, *said.delay);
    }
    return scheduled.value_or(event.recorded_at);
}

}  // namespace

std::shared_ptr<const EventTerms> terms_of(const EventView& event) {
    const auto said = work_terms_of(event);
    if (said && *said == WorkTerms{}) {
        return nullptr;
    }
    auto terms = std::make_shared<EventTerms>();
    const auto due = said ? first_due(event, *said) : said.error();
    if (!due) {
        terms->fault = utf8_prefix(due.error().message, kFaultBytesMax);
        return terms;
    }
    terms->due = *due;
    if (said->ttl) {
        terms->terms.expires = later(std::max(*due, event.recorded_at), *said->ttl);
    }
    terms->terms.high = said->high;
    terms->terms.repeat = said->repeat;
    terms->terms.anchor = said->repeat.empty() ? Time{} : *due;
    return terms;
}

}  // namespace skald::broker
