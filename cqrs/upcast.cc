#include "skald/cqrs/upcast.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace skald::cqrs {

void Upcasts::add(std::string_view type, std::uint32_t from, std::uint32_t newest, Upcast upcast) {
    SKALD_CHECK(from > 0 && from < newest,
                fmt::format("{}: an upcast from version {} to version {}", type, from, newest));
    SKALD_CHECK(!steps_.contains(from), fmt::format("{}: two upcasts from version {}", type, from));
    steps_.emplace(from, std::move(upcast));
}

void check_upcast_takes(std::uint32_t from, std::string_view type, std::uint32_t version) {
    SKALD_CHECK(version == from, fmt::format("an upcast from version {} takes {} of version {}",
                                             from, type, version));
}

void check_upcast_gives(std::uint32_t from, std::string_view type, std::uint32_t version) {
    SKALD_CHECK(version == from + 1, fmt::format("an upcast from version {} gives {} of version {}",
                                                 from, type, version));
}

bool Upcasts::any_from(std::uint32_t version) const {
    return steps_.lower_bound(std::max(version, 1U)) != steps_.end();
}

Result<std::string_view> Upcasts::apply(std::uint32_t from, std::uint32_t to, std::string_view data,
                                        std::string& scratch) const {
    if (from > to) {
        return Error(Errc::unsupported_version,
                     fmt::format("expected schema version {} or less, found {}", to, from));
    }
    for (auto step = steps_.lower_bound(std::max(from, 1U)); step != steps_.end(); ++step) {
        auto next = step->second(data);
        if (!next) {
            Error error = next.error();
            error.message = fmt::format("upcast from version {}: {}", step->first, error.message);
            return error;
        }
        scratch = std::move(*next);
        data = scratch;
    }
    return data;
}

}  // namespace skald::cqrs
