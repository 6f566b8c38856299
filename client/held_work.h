// The events that a member was given and has not begun with, in order.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "skald/consumers.h"
#include "skald/result.h"

namespace skald::client {

// The member's in_flight bounds it: the node gives no more before it has answers.
//
// After a failure it holds back what comes behind it under the same key; of an exclusive consumer
// that is one for all, and a shared one has none. That ends with the first page that the node gave
// when it knew of the failure.
//
// Not thread safe.
class HeldWork {
  public:
    struct Piece {
        EventView event;
        std::shared_ptr<const std::string> memory;  // that it points into
        std::uint32_t attempt = 1;
        std::uint64_t term = 0;
        std::uint64_t answered = 0;  // the last answer that the node knew

        Place place() const { return {event.partition, event.offset}; }
    };

    // Before the first page.
    void keep_order(ConsumerMode mode, std::string key) {
        mode_ = mode;
        metadata_ = std::move(key);
    }
    // What a fetch was answered with. malformed, corrupt.
    Result<void> add(std::string reply);
    bool empty() const { return pages_.empty(); }
    // Not when it is empty.
    Piece take();
    void clear();

    // It failed; `answer` is the number of what was said of it.
    void failed(const Piece& piece, std::uint64_t answer);

    // Whether it comes behind one that failed, and is to be given back.
    bool behind_failure(const Piece& piece) const;

  private:
    struct Page {
        std::shared_ptr<const std::string> memory;
        std::vector<EventView> events;
        std::vector<std::uint32_t> attempts;  // none: all are first ones
        std::uint64_t term = 0;
        std::uint64_t answered = 0;
        std::size_t next = 0;
    };

    std::string key_of(const Piece& piece) const;

    ConsumerMode mode_ = ConsumerMode::shared;
    std::string metadata_;
    std::deque<Page> pages_;                                   // none is empty
    std::unordered_map<std::string, std::uint64_t> failures_;  // what was answered, by key
};

}  // namespace skald::client
