// The handlers attached to a volume, as one: a request that one of them refuses is refused, and the
// others forget it.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "store/inline_handler.h"

namespace skald::store {

// Of whoever holds both of the writer's batons, except claim() and release().
class InlineHandlers {
  public:
    bool empty() const { return handlers_.empty(); }
    void add(InlineHandler& handler) { handlers_.push_back(&handler); }
    void remove(InlineHandler& handler) { std::erase(handlers_, &handler); }

    // As those of InlineHandler.
    Result<void> apply(std::span<const EventView> request);
    Result<void> write(lmdb::WriteTxn& txn, const Position& end);
    void settle(bool committed);

    // As those of InlineHost.
    Result<void> claim(const std::string& name);
    void release(const std::string& name);

  private:
    std::vector<InlineHandler*> handlers_;
    std::mutex names_mutex_;
    std::set<std::string> names_;  // guarded by names_mutex_
};

}  // namespace skald::store
