#include "cli/commands/bench_consumer.h"

#include "base/random.h"

namespace skald::cli {

Result<std::unique_ptr<BenchConsumer>> BenchConsumer::create(Consumers& consumers,
                                                             ConsumerSettings settings) {
    settings.name = "bench." + to_string(random_uuid());
    if (auto ok = consumers.create(settings); !ok) {
        return ok.error();
    }
    return std::unique_ptr<BenchConsumer>(new BenchConsumer(consumers, settings.name));
}

BenchConsumer::~BenchConsumer() {
    members_.clear();
    (void)consumers_.remove(name_);
}

Result<void> BenchConsumer::join(std::uint64_t members, const WorkHandler& handler,
                                 const MemberOptions& options) {
    for (std::uint64_t i = 0; i < members; ++i) {
        auto joined = consumers_.join(name_, handler, options);
        if (!joined) {
            return joined.error();
        }
        members_.push_back(std::move(*joined));
    }
    return {};
}

Result<ConsumerStatus> BenchConsumer::show() const {
    for (const auto& member : members_) {
        if (const auto ended = member->ended()) {
            return *ended;
        }
    }
    return consumers_.show(name_);
}

}  // namespace skald::cli
