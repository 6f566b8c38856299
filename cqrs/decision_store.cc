#include "skald/cqrs/decision_store.h"

#include "base/check.h"
#include "cqrs/query_ground.h"

namespace skald::cqrs {

class DecisionStore::Impl {
  public:
    Impl(EventStore& store, const DecisionsOptions& options)
        : store_(store),
          unknown_(options.unknown_events),
          pause_(options),
          loop_(store, pause_, counters_) {
        SKALD_CHECK(options.conflict.attempts > 0, "at least one attempt");
    }

    const Counters& counters() const { return counters_; }

    Result<std::unique_ptr<AnyState>> load(const Query& query, std::unique_ptr<AnyState> initial) {
        QueryGround ground(store_, counters_, unknown_, query, std::move(initial), nullptr);
        auto ok = read(ground);
        return ok ? Result<std::unique_ptr<AnyState>>(ground.take()) : ok.error();
    }

    Result<DecidedOn> execute(const Query& query, const std::string& stream,
                              std::unique_ptr<AnyState> initial, AnyDecider& decider,
                              const ExecuteOptions& options) {
        const Command command = loop_.command(stream, options);
        QueryGround ground(store_, counters_, unknown_, query, std::move(initial), &command);
        if (auto ok = read(ground); !ok) {
            return ok.error();
        }
        auto done = loop_.carry_out(command, decider, ground);
        if (!done) {
            return done.error();
        }
        return DecidedOn{std::move(done->receipt), done->exists, ground.take(), done->attempts};
    }

  private:
    Result<void> read(QueryGround& ground) {
        ++counters_.loads;
        auto ok = ground.check();
        return ok ? ground.catch_up() : ok;
    }

    EventStore& store_;
    const UnknownEvents unknown_;
    Counters counters_;
    Pause pause_;
    CommandLoop loop_;
};

DecisionStore::DecisionStore(EventStore& store, DecisionsOptions options)
    : impl_(std::make_unique<Impl>(store, options)) {}

DecisionStore::~DecisionStore() = default;

Result<std::unique_ptr<AnyState>> DecisionStore::load(const Query& query,
                                                      std::unique_ptr<AnyState> initial) {
    return impl_->load(query, std::move(initial));
}

Result<DecidedOn> DecisionStore::execute(const Query& query, const std::string& stream,
                                         std::unique_ptr<AnyState> initial, AnyDecider& decider,
                                         const ExecuteOptions& options) {
    return impl_->execute(query, stream, std::move(initial), decider, options);
}

RepositoryStats DecisionStore::stats() const {
    return impl_->counters().stats();
}

}  // namespace skald::cqrs
