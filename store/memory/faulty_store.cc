#include "skald/testing.h"

namespace skald {

FaultyEventStore::~FaultyEventStore() {
    release_callbacks();
}

void FaultyEventStore::fail_before(Call call, std::uint64_t n, Error error) {
    set(call, n, {std::move(error), false});
}

void FaultyEventStore::fail_after(Call call, std::uint64_t n, Error error) {
    set(call, n, {std::move(error), true});
}

void FaultyEventStore::set(Call call, std::uint64_t n, Fault fault) {
    const std::scoped_lock lock(mutex_);
    faults_.insert_or_assign({call, calls_[call] + n}, std::move(fault));
}

std::optional<FaultyEventStore::Fault> FaultyEventStore::take(Call call) {
    const std::scoped_lock lock(mutex_);
    const auto node = faults_.extract({call, ++calls_[call]});
    return node ? std::optional(node.mapped()) : std::nullopt;
}

std::uint64_t FaultyEventStore::calls(Call call) const {
    const std::scoped_lock lock(mutex_);
    const auto found = calls_.find(call);
    return found == calls_.end() ? 0 : found->second;
}

template <typename T, typename Go>
Result<T> FaultyEventStore::run(Call call, const Go& go) {
    const auto fault = take(call);
    if (!fault) {
        return go();
    }
    if (fault->applied) {
        if (auto done = go(); !done) {
            return done;
        }
    }
    return fault->error;
}

Result<Receipt> FaultyEventStore::append(const Append& request) {
    return run<Receipt>(Call::append, [&] { return inner_.append(request); });
}

void FaultyEventStore::append_async(const Append& request, AppendCallback done) {
    auto fault = take(Call::append);
    if (fault && !fault->applied) {
        call_back(std::move(done), std::move(fault->error));
        return;
    }
    inner_.append_async(
        request, [this, done = std::move(done), fault = std::move(fault)](Result<Receipt> result) {
            call_back(done, fault && result ? Result<Receipt>(fault->error) : std::move(result));
        });
}

void FaultyEventStore::call_back(AppendCallback done, Result<Receipt> result) {
    {
        const std::scoped_lock lock(mutex_);
        if (holding_) {
            held_.emplace_back(std::move(done), std::move(result));
            return;
        }
    }
    done(std::move(result));
}

void FaultyEventStore::hold_callbacks() {
    const std::scoped_lock lock(mutex_);
    holding_ = true;
}

std::size_t FaultyEventStore::held() const {
    const std::scoped_lock lock(mutex_);
    return held_.size();
}

void FaultyEventStore::release_callbacks() {
    for (;;) {
        std::vector<Held> held;
        {
            const std::scoped_lock lock(mutex_);
            held.swap(held_);
            // Only once none is left, so that none overtakes those on their way.
            holding_ = holding_ && !held.empty();
        }
        if (held.empty()) {
            return;
        }
        for (auto& [done, result] : held) {
            done(std::move(result));
        }
    }
}

Result<Uuid> FaultyEventStore::publish_ephemeral(std::string_view stream, NewEvent event) {
    return run<Uuid>(Call::publish_ephemeral,
                     [&] { return inner_.publish_ephemeral(stream, std::move(event)); });
}

Result<Page> FaultyEventStore::read(const Read& request) {
    return run<Page>(Call::read, [&] { return inner_.read(request); });
}

Result<std::unique_ptr<Subscription>> FaultyEventStore::subscribe(const Subscribe& request,
                                                                  SubscriptionHandler& handler) {
    return run<std::unique_ptr<Subscription>>(Call::subscribe,
                                              [&] { return inner_.subscribe(request, handler); });
}

Result<StreamInfo> FaultyEventStore::stream_info(std::string_view stream) {
    return run<StreamInfo>(Call::stream_info, [&] { return inner_.stream_info(stream); });
}

Result<StreamList> FaultyEventStore::list_streams(std::string_view glob, std::string_view after,
                                                  std::uint32_t limit) {
    return run<StreamList>(Call::list_streams,
                           [&] { return inner_.list_streams(glob, after, limit); });
}

Result<Receipt> FaultyEventStore::change_stream(const Lifecycle& request) {
    return run<Receipt>(Call::change_stream, [&] { return inner_.change_stream(request); });
}

Result<std::optional<Snapshot>> FaultyEventStore::get_snapshot(std::string_view stream) {
    return run<std::optional<Snapshot>>(Call::get_snapshot,
                                        [&] { return inner_.get_snapshot(stream); });
}

Result<void> FaultyEventStore::put_snapshot(std::string_view stream, const Snapshot& snapshot) {
    return run<void>(Call::put_snapshot, [&] { return inner_.put_snapshot(stream, snapshot); });
}

Result<Position> FaultyEventStore::position() {
    return run<Position>(Call::position, [&] { return inner_.position(); });
}

}  // namespace skald
