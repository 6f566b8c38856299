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
// After a failure it holds back what comes behind it under the same key: the stream's name, or of
// an exclusive consumer one for all. That ends with the first page that the node can have given
// only after it knew of the failure.
//
// Not thread safe.
class HeldWork {
  public:
    struct Piece {
        EventView event;
        std::shared_ptr<const std::string> memory;  // that it points into
        std::uint32_t attempt = 1;
        std::uint64_t term = 0;
        std::uint64_t fetch = 0;

        Place place() const { return {event.partition, event.offset}; }
    };

    // What the fetch of that number (rising) was answered with. malformed, corrupt.
    Result<void> add(std::string reply, std::uint64_t fetch);
    bool empty() const { return pages_.empty(); }
    // Not when it is empty.
    Piece take();
    void clear();

    // It failed; `answer` is the number of what was said of it.
    void failed(const Piece& piece, std::uint64_t answer);
    // The node knows of the answers up to this number, and so does every page but those of the
    // fetches up to `fetch`.
    void confirmed(std::uint64_t answer, std::uint64_t fetch);
    // Whether it comes behind one that failed, and is to be given back.
    bool behind_failure(const Piece& piece) const;

  private:
    struct Page {
        std::shared_ptr<const std::string> memory;
        std::vector<EventView> events;
        std::vector<std::uint32_t> attempts;  // none: all are first ones
        std::uint64_t term = 0;
        std::uint64_t fetch = 0;
        std::size_t next = 0;
    };
    struct Failure {
        std::uint64_t answer = 0;
        bool confirmed = false;
        std::uint64_t last_fetch = 0;  // that may not know of it
    };
    static std::string key_of(const Piece& piece);
    void forget_failures(std::uint64_t fetch);

    std::deque<Page> pages_;  // none is empty
    std::unordered_map<std::string, Failure> failures_;
};

}  // namespace skald::client
