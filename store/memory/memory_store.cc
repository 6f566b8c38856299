#include <fmt/format.h>

#include <algorithm>

#include "base/argument_checks.h"
#include "base/check.h"
#include "base/glob.h"
#include "base/limits.h"
#include "skald/testing.h"
#include "store/memory/memory_subscription.h"

namespace skald::store {
namespace {

Error invalid(std::string why) {
    return {Errc::invalid_argument, std::move(why)};
}

Result<void> check_state(const MemoryStream& stream, const std::string& name) {
    switch (stream.state()) {
        case StreamState::active:
            return {};
        case StreamState::none:
            return Error(Errc::stream_not_found, fmt::format("there is no stream {}", name));
        case StreamState::deleted:
            return Error(Errc::stream_deleted, fmt::format("stream {} was deleted", name));
        case StreamState::tombstoned:
            return Error(Errc::stream_tombstoned,
                         fmt::format("stream {} was deleted for good", name));
    }
    return {};
}

class MemoryStore final : public EventStore {
  public:
    explicit MemoryStore(const MemoryStoreOptions& options)
        : clock_(options.clock != nullptr ? *options.clock : SystemClock::instance()),
          state_(std::make_shared<MemoryState>(clock_)) {
        SKALD_CHECK(options.partitions >= 1 && options.partitions <= limits::kPartitionsMax,
                    "a store has 1 to 1024 partitions");
        state_->logs.cluster = state_->ids.next();
        for (std::uint16_t p = 0; p < options.partitions; ++p) {
            state_->logs.partitions.emplace_back(Partition{p}, state_->ids.next());
        }
        state_->logs.places.resize(options.partitions);
    }

    Result<Receipt> append(const Append& request) override;
    void append_async(const Append& request, AppendCallback done) override {
        done(append(request));
    }
    Result<Uuid> publish_ephemeral(std::string_view stream, NewEvent event) override;
    Result<Page> read(const Read& request) override;
    Result<std::unique_ptr<Subscription>> subscribe(const Subscribe& request,
                                                    SubscriptionHandler& handler) override;
    Result<StreamInfo> stream_info(std::string_view stream) override;
    Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                    std::uint32_t limit) override;
    Result<Receipt> change_stream(const Lifecycle& request) override;
    Result<std::optional<Snapshot>> get_snapshot(std::string_view stream) override;
    Result<void> put_snapshot(std::string_view stream, const Snapshot& snapshot) override;
    Result<Position> position() override;

  private:
    // With the lock held, here and below.
    Result<std::size_t> partition_of(const wire::RequestView& request) const;
    Time tick();
    Receipt receipt_of(std::size_t partition, const MemoryLog::Outcome& outcome);
    StreamInfo describe(std::string_view name) const;

    const Clock& clock_;
    std::shared_ptr<MemoryState> state_;
    ThreadKeeper threads_;
};

Result<std::size_t> MemoryStore::partition_of(const wire::RequestView& request) const {
    std::optional<std::size_t> partition;
    const std::uint32_t streams = request.header().streams;
    for (std::uint32_t i = 0; i < streams + request.header().checks; ++i) {
        const auto section = i < streams ? request.stream(i) : request.check(i - streams);
        const std::size_t own = state_->logs.partition_of(request.name(section.name));
        if (partition.value_or(own) != own) {
            return Error(Errc::cross_partition,
                         "the append's streams are in several partitions; give them a common "
                         "{part} in their names");
        }
        partition = own;
    }
    if (request.has_query() && state_->logs.partitions.size() > 1) {
        return Error(Errc::cross_partition, "a query check spans all partitions");
    }
    return partition.value_or(0);
}

Time MemoryStore::tick() {
    state_->newest = std::max(clock_.now(), Time{state_->newest.us + 1});
    return state_->newest;
}

Receipt MemoryStore::receipt_of(std::size_t partition, const MemoryLog::Outcome& outcome) {
    const MemoryLog& log = state_->logs.partitions[partition];
    const MemoryRecord& last = *log.records()[outcome.last.value];
    Receipt receipt;
    receipt.stream = last.stream;
    receipt.version = outcome.version;
    receipt.partition = last.partition;
    receipt.offset = outcome.last;
    receipt.id = last.id;
    receipt.position = {state_->logs.cluster,
                        {{last.partition, log.lineage(), Epoch{1}, outcome.last + 1, 0}}};
    receipt.repeated = outcome.repeated;
    return receipt;
}

Result<Receipt> MemoryStore::append(const Append& request) {
    std::unique_lock lock(state_->mutex);
    auto encoded = wire::encode_request(request, state_->ids);
    if (!encoded) {
        return encoded.error();
    }
    const auto view = wire::RequestView::open(as_bytes(encoded->bytes));
    SKALD_CHECK(view, "what was encoded cannot be opened");
    const auto partition = partition_of(*view);
    if (!partition) {
        return partition.error();
    }
    MemoryLog& log = state_->logs.partitions[*partition];
    const auto outcome = log.append(*view, request.producer, tick());
    if (!outcome) {
        return outcome.error();
    }
    state_->logs.merge(*partition);
    Receipt receipt = receipt_of(*partition, *outcome);
    receipt.durability = request.ack;
    lock.unlock();
    state_->news.notify_all();
    return receipt;
}

Result<Uuid> MemoryStore::publish_ephemeral(std::string_view stream, NewEvent event) {
    std::unique_lock lock(state_->mutex);
    const auto encoded =
        wire::encode_request(Append::one(std::string(stream), std::move(event)), state_->ids);
    lock.unlock();
    if (!encoded) {
        return encoded.error();
    }
    if (auto ok = state_->ephemeral.publish(as_bytes(encoded->bytes)); !ok) {
        return ok.error();
    }
    return encoded->last_id;
}

Result<Receipt> MemoryStore::change_stream(const Lifecycle& request) {
    if (auto ok = check_stream_name(request.stream); !ok) {
        return ok.error();
    }
    std::unique_lock lock(state_->mutex);
    const std::size_t partition = state_->logs.partition_of(request.stream);
    const auto outcome =
        state_->logs.partitions[partition].change(request, state_->ids.next(), tick());
    if (!outcome) {
        return outcome.error();
    }
    state_->logs.merge(partition);
    state_->snapshots.erase(request.stream);
    Receipt receipt = receipt_of(partition, *outcome);
    lock.unlock();
    state_->news.notify_all();
    return receipt;
}

Result<Page> MemoryStore::read(const Read& request) {
    if (request.limit == 0 || request.limit > limits::kPageEventsMax) {
        return invalid(fmt::format("a page has 1 to {} events, not {}", limits::kPageEventsMax,
                                   request.limit));
    }
    const std::scoped_lock lock(state_->mutex);
    const MemoryLogs& logs = state_->logs;
    auto cursor = MemoryCursor::open(logs, request.selection, request.start, request.backward);
    if (!cursor) {
        return cursor.error();
    }
    if (request.selection.kind == Selection::Kind::stream) {
        const std::string& name = request.selection.name;
        const MemoryLog& log = logs.partitions[logs.partition_of(name)];
        if (auto ok = check_state(log.stream(name), name); !ok) {
            return ok.error();
        }
    }
    auto step = cursor->next(logs, request.limit,
                             std::min<std::size_t>(request.bytes, limits::kPageBytesMax));
    auto owned = std::make_shared<MemoryEvents>(std::move(step.records));
    Page page;
    page.events = owned->events;
    page.next = cursor->position(logs);
    page.resume = page.next;
    page.end = step.end;
    page.memory = std::move(owned);
    return page;
}

Result<std::unique_ptr<Subscription>> MemoryStore::subscribe(const Subscribe& request,
                                                             SubscriptionHandler& handler) {
    if (auto ok = check_credit(request); !ok) {
        return ok.error();
    }
    std::unique_lock lock(state_->mutex);
    auto cursor = MemoryCursor::open(state_->logs, request.selection, request.start, false);
    if (!cursor) {
        return cursor.error();
    }
    lock.unlock();
    return subscribe_memory(state_, std::move(*cursor), request, handler, threads_);
}

StreamInfo MemoryStore::describe(std::string_view name) const {
    const std::size_t partition = state_->logs.partition_of(name);
    const MemoryLog& log = state_->logs.partitions[partition];
    const MemoryStream& stream = log.stream(name);
    StreamInfo info;
    info.name = name;
    info.partition = Partition{static_cast<std::uint16_t>(partition)};
    info.state = stream.state();
    info.limits = stream.rules().limits;
    info.truncate_before = stream.rules().truncate_before;
    info.first = log.first_visible(name);
    if (stream.next() > Version{}) {
        info.last = stream.next() - 1;
    }
    return info;
}

Result<StreamInfo> MemoryStore::stream_info(std::string_view stream) {
    if (auto ok = check_stream_name(stream, true); !ok) {
        return ok.error();
    }
    const std::scoped_lock lock(state_->mutex);
    return describe(stream);
}

Result<StreamList> MemoryStore::list_streams(std::string_view glob, std::string_view after,
                                             std::uint32_t limit) {
    if (limit == 0 || limit > limits::kListMax) {
        return invalid(fmt::format("a list has 1 to {} streams, not {}", limits::kListMax, limit));
    }
    const bool system = glob.starts_with('$');
    const std::scoped_lock lock(state_->mutex);
    std::vector<std::string> names;
    for (const MemoryLog& log : state_->logs.partitions) {
        for (const auto& [name, stream] : log.streams()) {
            if (name > after && name.starts_with('$') == system && !stream.events.empty() &&
                glob_match(glob, name)) {
                names.push_back(name);
            }
        }
    }
    std::sort(names.begin(), names.end());
    StreamList list;
    if (names.size() > limit) {
        names.resize(limit);
        list.next = names.back();
    }
    for (const std::string& name : names) {
        list.streams.push_back(describe(name));
    }
    return list;
}

Result<std::optional<Snapshot>> MemoryStore::get_snapshot(std::string_view stream) {
    if (auto ok = check_stream_name(stream, true); !ok) {
        return ok.error();
    }
    const std::scoped_lock lock(state_->mutex);
    const auto found = state_->snapshots.find(stream);
    return found == state_->snapshots.end() ? std::nullopt : std::optional(found->second);
}

Result<void> MemoryStore::put_snapshot(std::string_view stream, const Snapshot& snapshot) {
    if (auto ok = check_snapshot(stream, snapshot); !ok) {
        return ok;
    }
    const std::scoped_lock lock(state_->mutex);
    state_->snapshots.insert_or_assign(std::string(stream), snapshot);
    return {};
}

Result<Position> MemoryStore::position() {
    const std::scoped_lock lock(state_->mutex);
    auto cursor = MemoryCursor::open(state_->logs, Selection::all(), End{}, false);
    return cursor->position(state_->logs);
}

}  // namespace
}  // namespace skald::store

namespace skald {

std::unique_ptr<EventStore> make_memory_store(const MemoryStoreOptions& options) {
    return std::make_unique<store::MemoryStore>(options);
}

}  // namespace skald
