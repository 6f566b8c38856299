#include "skald/cqrs/aggregate_store.h"

#include <fmt/format.h>

#include "base/check.h"
#include "cqrs/aggregate_cache.h"
#include "cqrs/aggregate_loader.h"
#include "cqrs/command_loop.h"
#include "cqrs/limits.h"
#include "cqrs/pause.h"
#include "cqrs/stream_append.h"

namespace skald::cqrs {
namespace {

RepositoryOptions checked(RepositoryOptions options) {
    SKALD_CHECK(options.conflict.attempts > 0, "at least one attempt");
    SKALD_CHECK(options.commands_remembered <= limits::kCommandsRememberedMax,
                "too many commands to be remembered");
    SKALD_CHECK(options.cached_aggregates <= limits::kCachedAggregatesMax,
                "too many aggregates to be cached");
    return options;
}

// Whether a conflict leaves the caller's expectation open, so that deciding again makes sense.
bool may_retry(const std::optional<Expected>& expected) {
    return !expected || expected->kind() == Expected::Kind::any ||
           expected->kind() == Expected::Kind::stream_exists;
}

// The caller's word counts for the stream's last event and for the last one that can be read.
Result<void> check_at(AggregateLoader& loader, const std::string& stream,
                      const std::optional<Expected>& expected, std::optional<Version>& version) {
    auto ok = check_expected(stream, expected, version);
    if (ok) {
        return ok;
    }
    if (const auto hidden = loader.hidden_behind(stream, version); hidden && *hidden) {
        version = *hidden;
        ok = check_expected(stream, expected, version);
    }
    return ok;
}

// The refused append behind the stream's last event, when only events that no read gives any more
// came since `version`: then it was no conflict. Nothing for who wants no stream: there is one.
std::optional<Append> move_behind_hidden(AggregateLoader& loader, const Command& command,
                                         std::optional<Version>& version, Append refused,
                                         const Error& refusal) {
    const auto& expected = command.options.expected;
    if (refusal.code != Errc::wrong_expected_version ||
        (expected && expected->kind() == Expected::Kind::no_stream)) {
        return std::nullopt;
    }
    const auto hidden = loader.hidden_behind(command.stream, version);
    if (!hidden || !*hidden) {
        return std::nullopt;
    }
    version = *hidden;
    return moved_to(std::move(refused), **hidden, command.key);
}

// An aggregate's stream: appended to at the version read.
class StreamGround final : public Ground {
  public:
    StreamGround(EventStore& store, AggregateLoader& loader, AggregateCache& cache,
                 const Command& command, Aggregate aggregate)
        : store_(store),
          loader_(loader),
          cache_(cache),
          command_(command),
          aggregate_(std::move(aggregate)) {}

    Aggregate& aggregate() { return aggregate_; }

    AnyState& state() override { return *aggregate_.state; }
    Result<void> catch_up() override { return loader_.catch_up(command_.stream, aggregate_); }
    Result<std::optional<Receipt>> repeat() override {
        const auto known = command_.named() ? aggregate_.commands.find(command_.key) : std::nullopt;
        if (!known) {
            return std::optional<Receipt>();
        }
        auto receipt = repeat_of(store_, command_.stream, *known);
        return receipt ? Result<std::optional<Receipt>>(std::move(*receipt)) : receipt.error();
    }
    Result<void> check_expected() override {
        return check_at(loader_, command_.stream, command_.options.expected, aggregate_.version);
    }
    std::optional<Append> behind_hidden(Append refused, const Error& refusal) override {
        return move_behind_hidden(loader_, command_, aggregate_.version, std::move(refused),
                                  refusal);
    }
    Append append_of(std::vector<NewEvent> events) const override {
        return cqrs::append_of(command_.stream, expected_at(aggregate_.version), command_.key,
                               std::move(events), command_.options);
    }
    // Its only check besides the version.
    std::optional<Offset> existing_in(const Error& refusal) const override {
        return refusal.code == Errc::check_failed ? existing_by(refusal) : std::nullopt;
    }
    bool may_pass(const Error& refusal) const override {
        return refusal.code == Errc::wrong_expected_version && may_retry(command_.options.expected);
    }
    void appended(const Receipt& receipt, std::size_t events) override {
        note(command_, receipt, events, aggregate_.commands);
        aggregate_.version = receipt.version;
        aggregate_.last_id = receipt.id;
        aggregate_.since_snapshot += events;
        if (loader_.snapshot_due(aggregate_, Monotonic{})) {
            loader_.put_snapshot(command_.stream, aggregate_);
        }
        cache_.put(command_.stream, aggregate_);
    }

    static void note(const Command& command, const Receipt& receipt, std::size_t events,
                     CommandWindow& commands) {
        if (command.named()) {
            commands.note(command.key, receipt.version - (events - 1),
                          static_cast<std::uint32_t>(events));
        }
    }

  private:
    EventStore& store_;
    AggregateLoader& loader_;
    AggregateCache& cache_;
    const Command& command_;
    Aggregate aggregate_;
};

}  // namespace

class AggregateStore::Impl {
  public:
    Impl(EventStore& store, RepositoryOptions options, StateKind kind)
        : store_(store),
          options_(checked(std::move(options))),
          kind_(std::move(kind)),
          cache_(options_.cached_aggregates),
          loader_(store, options_, kind_, cache_, counters_),
          pause_(options_),
          loop_(store, pause_, counters_) {}

    const RepositoryOptions& options() const { return options_; }
    const Counters& counters() const { return counters_; }

    Result<Aggregate> load(const std::string& stream) {
        const Monotonic begin = pause_.clock().monotonic();
        auto loaded = loader_.load(stream, {});
        if (loaded && loader_.snapshot_due(*loaded, pause_.clock().monotonic() - begin)) {
            loader_.put_snapshot(stream, *loaded);
            cache_.put(stream, *loaded);
        }
        return loaded;
    }

    Result<Aggregate> load_at(const std::string& stream, const Until& until) {
        auto loaded = loader_.load(stream, until);
        if (!loaded || !until.version || loaded->version == until.version) {
            return loaded;
        }
        auto info = store_.stream_info(stream);
        if (!info) {
            return info.error();
        }
        if (!info->last || *info->last < *until.version) {
            return Error(Errc::not_found,
                         fmt::format("stream {} has no version {}", stream, until.version->value));
        }
        return loaded;
    }

    Result<Executed> execute(const std::string& stream, AnyDecider& decider,
                             const ExecuteOptions& options) {
        auto loaded = load(stream);
        if (!loaded) {
            return loaded.error();
        }
        const Command command = loop_.command(stream, options);
        StreamGround ground(store_, loader_, cache_, command, std::move(*loaded));
        auto done = loop_.carry_out(command, decider, ground);
        if (!done) {
            return done.error();
        }
        return Executed{std::move(done->receipt), done->exists, std::move(ground.aggregate()),
                        done->attempts};
    }

    Result<Receipt> append(const std::string& stream, Origin& origin, std::vector<NewEvent> events,
                           const ExecuteOptions& options) {
        if (origin.commands.entries().empty()) {  // an object that was never loaded remembers too
            origin.commands = CommandWindow(options_.commands_remembered);
        }
        Command command = loop_.command(stream, options);
        if (!command.named() && origin.save_key.unknown) {
            command.key = *origin.save_key.unknown;
        }
        if (const auto known = command.named() ? origin.commands.find(command.key) : std::nullopt) {
            ++counters_.repeats;
            return repeat_of(store_, stream, *known);
        }
        if (auto ok = check_at(loader_, stream, options.expected, origin.version); !ok) {
            return ok.error();
        }
        const std::size_t count = events.size();
        Append append =
            append_of(stream, expected_at(origin.version), command.key, std::move(events), options);
        auto receipt = loop_.send(append);
        if (!receipt) {
            if (const auto moved = move_behind_hidden(loader_, command, origin.version,
                                                      std::move(append), receipt.error())) {
                receipt = loop_.send(*moved);
            }
        }
        if (receipt && !(command.named() && receipt->repeated)) {
            origin.version = receipt->version;
            StreamGround::note(command, *receipt, count, origin.commands);
        }
        if (!command.named()) {
            keep_while_unknown(origin.save_key, command.key, receipt);
        }
        return receipt;
    }

  private:
    // A refusal says nothing about the sends before it; a receipt or a conflict does.
    static void keep_while_unknown(SaveKey& save_key, const Uuid& key,
                                   const Result<Receipt>& receipt) {
        if (receipt || is_conflict(receipt.error())) {
            save_key.unknown.reset();
        } else if (receipt.error().code == Errc::outcome_unknown) {
            save_key.unknown = key;
        }
    }

    EventStore& store_;
    const RepositoryOptions options_;
    const StateKind kind_;
    Counters counters_;
    AggregateCache cache_;
    AggregateLoader loader_;
    Pause pause_;
    CommandLoop loop_;
};

AggregateStore::AggregateStore(EventStore& store, RepositoryOptions options, StateKind kind)
    : impl_(std::make_unique<Impl>(store, std::move(options), std::move(kind))) {}

AggregateStore::~AggregateStore() = default;

std::string AggregateStore::stream_of(std::string_view id) const {
    const std::string& category = impl_->options().category;
    return category.empty() ? std::string(id) : fmt::format("{}-{}", category, id);
}

Result<Aggregate> AggregateStore::load(const std::string& stream) {
    return impl_->load(stream);
}

Result<Aggregate> AggregateStore::load_at(const std::string& stream, Version version) {
    return impl_->load_at(stream, {version, std::nullopt});
}

Result<Aggregate> AggregateStore::load_at(const std::string& stream, Time time) {
    return impl_->load_at(stream, {std::nullopt, time});
}

Result<Executed> AggregateStore::execute(const std::string& stream, AnyDecider& decider,
                                         const ExecuteOptions& options) {
    return impl_->execute(stream, decider, options);
}

Result<Receipt> AggregateStore::append(const std::string& stream, Origin& origin,
                                       std::vector<NewEvent> events,
                                       const ExecuteOptions& options) {
    return impl_->append(stream, origin, std::move(events), options);
}

RepositoryStats AggregateStore::stats() const {
    return impl_->counters().stats();
}

}  // namespace skald::cqrs
