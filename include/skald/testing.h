// Stores for the tests of applications: one in memory, and one that fails when told to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/clock.h"
#include "skald/event_store.h"

namespace skald {

struct MemoryStoreOptions {
    std::uint16_t partitions = 1;  // 1-1,024
    const Clock* clock = nullptr;  // outlives the store; null: the machine's
};

// A log in memory that ends with the store. Behaves as every EventStore does; Ack and durability
// say nothing here. It never answers busy. append_async calls back before it returns. Subscriptions
// run their handlers on a thread each. Destroy subscriptions before the store.
std::unique_ptr<EventStore> make_memory_store(const MemoryStoreOptions& options = {});

// Another store with faults put in front of it. Calls that no fault is set for go through
// unchanged. No callback is ever lost or doubled. Destroy it once the inner store owes no callback
// any more.
class FaultyEventStore final : public EventStore {
  public:
    // append covers append_async.
    enum class Call : std::uint8_t {
        append,
        publish_ephemeral,
        read,
        subscribe,
        stream_info,
        list_streams,
        change_stream,
        get_snapshot,
        put_snapshot,
        position,
    };

    // `inner` outlives it.
    explicit FaultyEventStore(EventStore& inner) : inner_(inner) {}
    ~FaultyEventStore() override;  // releases what is held
    FaultyEventStore(const FaultyEventStore&) = delete;
    FaultyEventStore& operator=(const FaultyEventStore&) = delete;

    // The n-th call of this kind from now on, from 1, gets the error; the inner store never sees
    // it.
    void fail_before(Call call, std::uint64_t n, Error error);
    // The same, but the inner store carries the call out first: for outcome_unknown and the like.
    void fail_after(Call call, std::uint64_t n, Error error);
    // Calls of this kind so far, failed ones included.
    std::uint64_t calls(Call call) const;

    // From now on callbacks of append_async are held back; their appends are carried out.
    void hold_callbacks();
    std::size_t held() const;
    // Calls those held back, in order and in this thread, and holds none back any more.
    void release_callbacks();

    Result<Receipt> append(const Append& request) override;
    void append_async(const Append& request, AppendCallback done) override;
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
    struct Fault {
        Error error;
        bool applied = false;
    };
    using Held = std::pair<AppendCallback, Result<Receipt>>;

    void set(Call call, std::uint64_t n, Fault fault);
    // Counts the call and takes the fault that is set for it.
    std::optional<Fault> take(Call call);
    template <typename T, typename Go>
    Result<T> run(Call call, const Go& go);
    void call_back(AppendCallback done, Result<Receipt> result);

    EventStore& inner_;
    mutable std::mutex mutex_;                                // guards all below
    std::map<std::pair<Call, std::uint64_t>, Fault> faults_;  // by the number of the call
    std::map<Call, std::uint64_t> calls_;
    bool holding_ = false;
    std::vector<Held> held_;
};

}  // namespace skald
