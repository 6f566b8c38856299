// What takes part in the commits of a volume from inside its process: it sees each request before
// it is written, may refuse it, and writes in the commit's own transaction (decision 0020).
#pragma once

#include <functional>
#include <span>
#include <string>

#include "skald/event_store.h"
#include "store/lmdb/env.h"

namespace skald::store {

// Threads: called by whoever commits, one call at a time. Must not block for long, nor throw, nor
// call the volume.
class InlineHandler {
  public:
    virtual ~InlineHandler() = default;

    virtual const std::string& name() const = 0;
    // A request that nothing but a handler refuses any more, with the offsets, versions and times
    // that its events will have. What is committed, and what this was given since, is before it. An
    // error refuses the request, alone, and nothing of it is kept; one of storage stops the volume.
    virtual Result<void> apply(std::span<const EventView> request) = 0;
    // Another handler refused the request that was applied last.
    virtual void undo() = 0;
    // Puts what the requests applied since the last commit change. `end`: behind all of them.
    virtual Result<void> write(lmdb::WriteTxn& txn, const Position& end) = 0;
    // How it ended, once for each commit: what was applied is on the disk and can be read, or
    // nothing of it is.
    virtual void committed() = 0;
    virtual void abandoned() = 0;
};

// Where handlers are attached: a volume in this process. While one is, no commit is prepared while
// another is at the disk, so that a handler reads what is committed.
//
// Threads: any, but not from a handler.
class InlineHost {
  public:
    virtual ~InlineHost() = default;

    virtual lmdb::Env& env() = 0;
    // Makes the name the caller's until release(). already_exists; request_too_large beyond
    // limits::kInlineHandlersMax.
    virtual Result<void> claim(const std::string& name) = 0;
    virtual void release(const std::string& name) = 0;
    // Runs `work` while nothing is committed; requests wait.
    virtual Result<void> alone(const std::function<Result<void>()>& work) = 0;
    // In `work`: a commit of its own, on this thread, unless `change` fails.
    virtual Result<void> write_alone(
        const std::function<Result<void>(lmdb::WriteTxn&)>& change) = 0;
    // In `work`. The handler must stay until it is detached.
    virtual void attach(InlineHandler& handler) = 0;
    // Waits for the commit under way.
    virtual void detach(InlineHandler& handler) = 0;
};

}  // namespace skald::store
