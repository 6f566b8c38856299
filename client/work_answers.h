// What a member answers to its events, until the node has confirmed it.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "skald/consumers.h"
#include "wire/consumer_messages.h"

namespace skald::client {

// Answers are numbered from 1 and sent in order; one request of them is under way at a time. Those
// of the same kind to neighbouring places are one, but retry and park. Places that do not touch
// stay apart: the node may have given the member, meanwhile, what lies between them. Holds no more
// than the member holds events, and what it is given while the node is slow to confirm.
//
// Not thread safe.
class WorkAnswers {
  public:
    // Returns its number. `late`: to what the member does not hold any more, so that it stays a
    // single place.
    std::uint64_t add(Place place, WorkAnswer answer, bool late = false);

    // Of what is not answered yet: `by` as AnsweredPlaces::extend.
    void extend(Place place, std::chrono::microseconds by);

    bool waiting() const { return !waiting_.empty(); }
    // Nothing waits and nothing is under way.
    bool settled() const { return waiting_.empty() && under_way_.empty(); }
    // The next of them, up to the bounds of a request. None may be under way.
    std::vector<wire::AnsweredPlaces> begin();
    // What begin() gave is with the node.
    void confirm();
    // It may not be: it waits again, and all that waits is late.
    void lose();
    // The number of the last answer that was begun with.
    std::uint64_t begun() const { return under_way_.empty() ? confirmed_ : under_way_.back().last; }

  private:
    struct Answered {
        wire::AnsweredPlaces places;
        std::uint64_t last = 0;  // number
        bool late = false;
    };

    std::deque<Answered> waiting_;
    std::vector<Answered> under_way_;
    std::uint64_t added_ = 0;
    std::uint64_t confirmed_ = 0;
};

}  // namespace skald::client
