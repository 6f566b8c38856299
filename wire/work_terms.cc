#include "skald/work_terms.h"

#include <fmt/format.h>

#include <string_view>

#include "base/duration.h"
#include "base/limits.h"

namespace skald {
namespace {

constexpr std::string_view kAt = "$deliver-at";
constexpr std::string_view kDelay = "$deliver-after";
constexpr std::string_view kTtl = "$ttl";
constexpr std::string_view kPriority = "$priority";
constexpr std::string_view kRepeat = "$repeat";
constexpr std::string_view kHigh = "high";
constexpr std::string_view kNormal = "normal";

std::string text_of(std::chrono::milliseconds time) {
    return fmt::format("{}ms", time.count());
}

std::optional<std::chrono::milliseconds> duration_of(std::string_view text) {
    const auto time = parse_duration(text);
    return time && *time <= limits::kDeliveryTimeMax
               ? std::optional(std::chrono::ceil<std::chrono::milliseconds>(*time))
               : std::nullopt;
}

// False when the value cannot be read.
bool take(WorkTerms& terms, std::string_view key, std::string_view value) {
    if (key == kAt) {
        terms.at = parse_time(value);
        return terms.at.has_value();
    }
    if (key == kDelay || key == kTtl) {
        auto& time = key == kDelay ? terms.delay : terms.ttl;
        time = duration_of(value);
        return time.has_value();
    }
    if (key == kPriority) {
        terms.high = value == kHigh;
        return value == kHigh || value == kNormal;
    }
    if (key == kRepeat) {
        terms.repeat = value;
    }
    return true;
}

}  // namespace

void set_work_terms(NewEvent& event, const WorkTerms& terms) {
    const auto add = [&event](std::string_view key, std::string value) {
        event.metadata.emplace_back(key, std::move(value));
    };
    if (terms.at) {
        add(kAt, to_string(*terms.at));
    }
    if (terms.delay) {
        add(kDelay, text_of(*terms.delay));
    }
    if (terms.ttl) {
        add(kTtl, text_of(*terms.ttl));
    }
    if (terms.high) {
        add(kPriority, std::string(kHigh));
    }
    if (!terms.repeat.empty()) {
        add(kRepeat, terms.repeat);
    }
}

Result<WorkTerms> work_terms_of(const EventView& event) {
    WorkTerms terms;
    for (const auto& [key, value] : event.metadata()) {
        if (key.starts_with('$') && !take(terms, key, value)) {
            return Error(Errc::invalid_argument,
                         fmt::format("its metadata {} cannot be read: {:?}", key, value));
        }
    }
    if (terms.at && terms.delay) {
        return Error(Errc::invalid_argument,
                     fmt::format("its metadata has both {} and {}", kAt, kDelay));
    }
    return terms;
}

}  // namespace skald
