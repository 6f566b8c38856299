// Where callers' appends become calls of the session. Small ones to one stream share a call while
// it waits for the loop, so that what is under load anyway costs less; nothing waits for company.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "client/session.h"
#include "client/spare_calls.h"
#include "wire/request_group.h"

namespace skald::client {

// What takes calls: the agent.
class CallQueue {
  public:
    virtual ~CallQueue() = default;
    // For one append of so many bytes, until its call is resolved; false when there is none.
    virtual bool take_room(std::size_t bytes) = 0;
    virtual void give_room(std::size_t appends, std::size_t bytes) = 0;
    // False, and `call` untouched, when the client closes. Room was taken. A call that is open is
    // closed by its source before its request is read.
    virtual bool submit(std::unique_ptr<Sequenced>& call, class AppendSource* open) = 0;
};

// Thread safe. The calls of one thread are submitted in its order, if it uses one source.
class AppendSource {
  public:
    // `done` is called exactly once, maybe before this returns.
    void append(const Append& request, Partition partition, AppendCallback done, CallQueue& queue,
                SpareCalls& spare);
    // A call of its own, not submitted. Who submits it waits for its outcome before anything else
    // of the same thread is appended.
    Result<std::unique_ptr<Sequenced>> encode(const Append& request, Partition partition,
                                              SpareCalls& spare);
    // Nothing joins the call any more; its request is there. `memory` is the caller's, to be lent.
    void close(Sequenced& call, wire::RequestGroup& memory);

  private:
    Result<void> add(const Append& request, Partition partition, AppendCallback& done,
                     CallQueue& queue, SpareCalls& spare);
    Result<void> add_alone(const Append& request, Partition partition, AppendCallback& done,
                           CallQueue& queue, SpareCalls& spare);
    Result<void> open(const Append& request, std::size_t bytes, Partition partition,
                      AppendCallback& done, CallQueue& queue, SpareCalls& spare);
    void join(Sequenced& call, const Append& request, std::size_t bytes, AppendCallback& done);
    Result<std::unique_ptr<Sequenced>> encode_alone(const Append& request, Partition partition,
                                                    SpareCalls& spare);
    std::unique_ptr<Sequenced> take_spare(SpareCalls& spare);
    void close_open();

    std::mutex mutex_;
    wire::IdSource ids_;  // guarded by mutex_, like all below
    std::vector<std::unique_ptr<Sequenced>> calls_;
    Sequenced* open_ = nullptr;  // of the queue: its events are in group_
    wire::RequestGroup group_;
};

}  // namespace skald::client
