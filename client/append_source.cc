#include "client/append_source.h"

#include <utility>

namespace skald::client {
namespace {

Error full() {
    return {Errc::busy, "the client holds all the requests it can: wait for answers"};
}

}  // namespace

void AppendSource::append(const Append& request, Partition partition, AppendCallback done,
                          CallQueue& queue, SpareCalls& spare) {
    if (auto ok = add(request, partition, done, queue, spare); !ok) {
        done(ok.error());
    }
}

Result<std::unique_ptr<Sequenced>> AppendSource::encode(const Append& request, Partition partition,
                                                        SpareCalls& spare) {
    const std::lock_guard lock(mutex_);
    return encode_alone(request, partition, spare);
}

void AppendSource::close(Sequenced& call, wire::RequestGroup& memory) {
    {
        const std::lock_guard lock(mutex_);
        if (open_ != &call) {
            return;
        }
        open_ = nullptr;
        std::swap(group_, memory);
    }
    call.request = memory.take(std::move(call.request));
}

void AppendSource::close_open() {
    if (open_ != nullptr) {
        open_->request = group_.take(std::move(open_->request));
        open_ = nullptr;
    }
}

Result<void> AppendSource::add(const Append& request, Partition partition, AppendCallback& done,
                               CallQueue& queue, SpareCalls& spare) {
    const std::lock_guard lock(mutex_);
    const auto bytes = wire::RequestGroup::admits(request);
    if (!bytes) {
        return add_alone(request, partition, done, queue, spare);
    }
    if (auto ok = wire::check_append(request); !ok) {
        return ok.error();
    }
    if (!queue.take_room(*bytes)) {
        return full();
    }
    if (open_ == nullptr || !group_.fits(request)) {
        return open(request, *bytes, partition, done, queue, spare);
    }
    join(*open_, request, *bytes, done);
    return {};
}

Result<void> AppendSource::add_alone(const Append& request, Partition partition,
                                     AppendCallback& done, CallQueue& queue, SpareCalls& spare) {
    auto call = encode_alone(request, partition, spare);
    if (!call) {
        return call.error();
    }
    if (!queue.take_room((*call)->room)) {
        return full();
    }
    // What comes later may not join what was there before.
    close_open();
    (*call)->members.front().done = std::move(done);
    if (!queue.submit(*call, nullptr)) {
        done = std::move((*call)->members.front().done);
        queue.give_room(1, (*call)->room);
        return full();
    }
    return {};
}

Result<void> AppendSource::open(const Append& request, std::size_t bytes, Partition partition,
                                AppendCallback& done, CallQueue& queue, SpareCalls& spare) {
    close_open();
    auto call = take_spare(spare);
    call->stream = request.streams[0].stream;
    call->partition = partition;
    Sequenced& opened = *call;
    join(opened, request, bytes, done);
    if (!queue.submit(call, this)) {
        done = std::move(call->members.front().done);
        queue.give_room(1, call->room);
        (void)group_.take({});
        return full();
    }
    open_ = &opened;
    return {};
}

void AppendSource::join(Sequenced& call, const Append& request, std::size_t bytes,
                        AppendCallback& done) {
    const Uuid id = group_.add(request, ids_);
    const auto& events = request.streams[0].events;
    call.members.push_back({std::move(done), id, static_cast<std::uint32_t>(events.size())});
    call.room += bytes;
}

Result<std::unique_ptr<Sequenced>> AppendSource::encode_alone(const Append& request,
                                                              Partition partition,
                                                              SpareCalls& spare) {
    auto call = take_spare(spare);
    auto encoded = wire::encode_request(request, ids_, std::move(call->request));
    if (!encoded) {
        return encoded.error();
    }
    call->request = std::move(encoded->bytes);
    call->room = call->request.size();
    call->stream = request.streams.back().stream;
    call->partition = partition;
    call->members.push_back({nullptr, encoded->last_id, 0});
    return call;
}

std::unique_ptr<Sequenced> AppendSource::take_spare(SpareCalls& spare) {
    if (calls_.empty()) {
        spare.take(calls_);
    }
    if (calls_.empty()) {
        return std::make_unique<Sequenced>();
    }
    auto call = std::move(calls_.back());
    calls_.pop_back();
    return call;
}

}  // namespace skald::client
