#include "skald/cqrs/middleware.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace skald::cqrs {
namespace {

const Clock& clock_or(const Clock* clock) {
    return clock != nullptr ? *clock : SystemClock::instance();
}

std::string ending(const Result<Reply>& reply) {
    if (!reply) {
        return fmt::format("{} ({})", name_of(reply.error().code), reply.error().message);
    }
    return reply->rejected ? "rejected" : "ok";
}

std::chrono::microseconds micros(Monotonic length) {
    return std::chrono::duration_cast<std::chrono::microseconds>(length);
}

}  // namespace

Middleware authorise(std::function<bool(const Message&)> may) {
    return [may = std::move(may)](const Message& message, const Next& next) -> Result<Reply> {
        if (!may(message)) {
            const std::string& sender = message.options().sender;
            return Error(Errc::forbidden, fmt::format("{} may not send {}",
                                                      sender.empty() ? "an unnamed sender" : sender,
                                                      message.name()));
        }
        return next(message);
    };
}

Middleware log(std::function<void(const std::string& line)> write, const Clock* clock) {
    return [write = std::move(write), clock = &clock_or(clock)](const Message& message,
                                                                const Next& next) {
        const Monotonic begin = clock->monotonic();
        auto reply = next(message);
        write(fmt::format("{} {} {} us", message.name(), ending(reply),
                          micros(clock->monotonic() - begin).count()));
        return reply;
    };
}

std::chrono::microseconds Meter::Figures::at_share(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(done)));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBuckets && done > 0; ++i) {
        below += buckets[i];
        if (below >= wanted) {
            return std::chrono::microseconds(std::int64_t{1} << i);
        }
    }
    return std::chrono::microseconds(0);
}

Meter::Meter(const Clock* clock) : clock_(clock_or(clock)) {}

void Meter::note(const std::string& name, const Result<Reply>& reply, Monotonic took) {
    const auto length = std::max(micros(took), std::chrono::microseconds(0));
    const auto width =
        static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(length.count())));
    const std::lock_guard lock(mutex_);
    Figures& figures = figures_[name];
    ++figures.done;
    figures.failed += reply ? 0 : 1;
    figures.rejected += reply && reply->rejected ? 1 : 0;
    figures.total += length;
    figures.longest = std::max(figures.longest, length);
    ++figures.buckets[std::min(width, kBuckets - 1)];
}

std::map<std::string, Meter::Figures> Meter::figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
}

Middleware measure(Meter& meter) {
    return [&meter](const Message& message, const Next& next) {
        const Monotonic begin = meter.clock().monotonic();
        auto reply = next(message);
        meter.note(message.name(), reply, meter.clock().monotonic() - begin);
        return reply;
    };
}

}  // namespace skald::cqrs
