#include "skald/cqrs/aggregate_store.h"

#include <fmt/format.h>

#include <cstring>

#include "base/check.h"
#include "cqrs/aggregate_cache.h"
#include "cqrs/aggregate_loader.h"
#include "cqrs/derived_id.h"
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

bool is_conflict(const Error& error) {
    return error.code == Errc::wrong_expected_version || error.code == Errc::partly_repeated;
}

// Whether a conflict leaves the caller's expectation open, so that deciding again makes sense.
bool may_retry(const std::optional<Expected>& expected) {
    return !expected || expected->kind() == Expected::Kind::any ||
           expected->kind() == Expected::Kind::stream_exists;
}

}  // namespace

class AggregateStore::Impl {
  public:
    Impl(EventStore& store, RepositoryOptions options, StateKind kind)
        : store_(store),
          options_(checked(std::move(options))),
          kind_(std::move(kind)),
          cache_(options_.cached_aggregates),
          loader_(store, options_, kind_, cache_, counters_),
          pause_(options_) {}

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
        Command command{
            stream, options,
            options.command_id.empty() ? random_id() : command_key(stream, options.command_id),
            pause_.clock().now()};
        Executed executed{std::nullopt, std::move(*loaded), 0};
        while (true) {
            auto finished = attempt(command, decider, executed);
            if (!finished) {
                return finished.error();
            }
            if (*finished) {
                return executed;
            }
            pause_.before_attempt(executed.attempts + 1);
            if (auto ok = loader_.catch_up(stream, executed.aggregate); !ok) {
                return ok.error();
            }
        }
    }

    Result<Receipt> append(const std::string& stream, Origin& origin, std::vector<NewEvent> events,
                           const ExecuteOptions& options) {
        const bool named = !options.command_id.empty();
        if (!origin.save_key) {
            origin.save_key = random_id();
        }
        if (origin.commands.entries().empty()) {  // an object that was never loaded remembers too
            origin.commands = CommandWindow(options_.commands_remembered);
        }
        const Uuid key = named ? command_key(stream, options.command_id) : *origin.save_key;
        if (const auto known = named ? origin.commands.find(key) : std::nullopt) {
            ++counters_.repeats;
            return repeat_of(store_, stream, *known);
        }
        if (auto ok = check_expected(stream, options.expected, origin.version); !ok) {
            return ok.error();
        }
        const std::size_t count = events.size();
        auto receipt = send(append_at(stream, origin.version, key, std::move(events), options));
        if (receipt) {
            origin.version = receipt->version;
            origin.save_key.reset();
            note(options, key, *receipt, count, origin.commands);
        }
        return receipt;
    }

    // Idempotent, so that it is sent again while nobody knows what became of it. From then on only
    // a receipt or a conflict tells: a refusal is about the request that was sent last.
    Result<Receipt> send(const Append& append) {
        auto receipt = store_.append(append);
        if (receipt || receipt.error().code != Errc::outcome_unknown) {
            return receipt;
        }
        for (unsigned n = 0; n < limits::kResendsMax; ++n) {
            pause_.before_resend();
            auto again = store_.append(append);
            if (again || is_conflict(again.error())) {
                return again;
            }
        }
        return receipt;
    }

  private:
    struct Command {
        const std::string& stream;
        const ExecuteOptions& options;
        Uuid key;
        Time now;
    };

    // False after a conflict that may be tried again.
    Result<bool> attempt(const Command& command, AnyDecider& decider, Executed& executed) {
        Aggregate& aggregate = executed.aggregate;
        if (auto known = find_repeat(command, aggregate)) {
            executed.attempts = 0;
            return repeat(command, *known, executed);
        }
        if (auto ok = check_expected(command.stream, command.options.expected, aggregate.version);
            !ok) {
            return ok.error();
        }
        auto events = decider.decide(*aggregate.state, {command.stream, command.now, command.key});
        ++executed.attempts;
        if (!events || events->empty()) {
            return events ? Result<bool>(true) : events.error();
        }
        const std::size_t count = events->size();
        auto receipt = send(append_at(command.stream, aggregate.version, command.key,
                                      std::move(*events), command.options));
        if (!receipt) {
            return refused(command, receipt.error(), executed);
        }
        executed.receipt = std::move(*receipt);
        return applied(command, decider, count, executed);
    }

    std::optional<CommandWindow::Entry> find_repeat(const Command& command,
                                                    const Aggregate& aggregate) const {
        return command.options.command_id.empty() ? std::nullopt
                                                  : aggregate.commands.find(command.key);
    }

    Result<bool> repeat(const Command& command, const CommandWindow::Entry& entry,
                        Executed& executed) {
        auto receipt = repeat_of(store_, command.stream, entry);
        if (!receipt) {
            return receipt.error();
        }
        ++counters_.repeats;
        executed.receipt = std::move(*receipt);
        return true;
    }

    Result<bool> refused(const Command& command, const Error& error, Executed& executed) {
        if (!is_conflict(error)) {
            return error;
        }
        ++counters_.conflicts;
        const bool again = may_retry(command.options.expected) &&
                           error.code == Errc::wrong_expected_version &&
                           executed.attempts < options_.conflict.attempts;
        if (again) {
            return false;
        }
        // It may be this very command, carried out by another caller meanwhile.
        if (auto ok = loader_.catch_up(command.stream, executed.aggregate); !ok) {
            return ok.error();
        }
        if (auto known = find_repeat(command, executed.aggregate)) {
            return repeat(command, *known, executed);
        }
        return error;
    }

    Result<bool> applied(const Command& command, const AnyDecider& decider, std::size_t count,
                         Executed& executed) {
        Aggregate& aggregate = executed.aggregate;
        const Receipt& receipt = *executed.receipt;
        if (receipt.repeated) {
            // Another caller decided it, maybe otherwise: what counts is what is stored.
            ++counters_.repeats;
            if (auto ok = loader_.catch_up(command.stream, aggregate); !ok) {
                return ok.error();
            }
            return true;
        }
        decider.evolve(*aggregate.state);
        note(command.options, command.key, receipt, count, aggregate.commands);
        aggregate.version = receipt.version;
        aggregate.last_id = receipt.id;
        aggregate.since_snapshot += count;
        if (loader_.snapshot_due(aggregate, Monotonic{})) {
            loader_.put_snapshot(command.stream, aggregate);
        }
        cache_.put(command.stream, aggregate);
        return true;
    }

    Uuid random_id() const {
        const std::uint64_t halves[2] = {pause_.random(), pause_.random()};
        Uuid id;
        static_assert(sizeof halves == sizeof id.bytes);
        std::memcpy(id.bytes.data(), halves, sizeof halves);
        return id;
    }

    static void note(const ExecuteOptions& options, const Uuid& key, const Receipt& receipt,
                     std::size_t count, CommandWindow& commands) {
        if (!options.command_id.empty()) {
            commands.note(key, receipt.version - (count - 1), static_cast<std::uint32_t>(count));
        }
    }

    EventStore& store_;
    const RepositoryOptions options_;
    const StateKind kind_;
    Counters counters_;
    AggregateCache cache_;
    AggregateLoader loader_;
    Pause pause_;
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
    const Counters& from = impl_->counters();
    return {from.loads,
            from.events_folded,
            from.cache_hits,
            from.snapshots_used,
            from.snapshots_ignored,
            from.snapshots_written,
            from.snapshots_failed,
            from.conflicts,
            from.repeats};
}

}  // namespace skald::cqrs
