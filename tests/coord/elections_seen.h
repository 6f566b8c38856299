// How tests see the elections named main.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "skald/elections.h"
#include "tests/await.h"

namespace skald::coord {

inline CampaignOptions candidate(const std::string& value, std::int32_t priority = 0,
                                 bool preempt = false) {
    CampaignOptions options;
    options.value = value;
    options.priority = priority;
    options.preempt = preempt;
    return options;
}

// As `3 a`, or `3 a resigned` once it ended.
inline std::string text_of(const Term& term) {
    std::string text = std::to_string(term.leader.term) + " " + term.leader.value;
    return term.end ? text + " " + std::string(name_of(term.end->why)) : text;
}

inline std::vector<std::string> log_of(Elections& elections) {
    const auto terms = elections.log("main");
    REQUIRE(terms);
    std::vector<std::string> texts;
    for (const Term& term : *terms) {
        texts.push_back(text_of(term));
    }
    return texts;
}

// Behind the back of the candidate.
inline void end_lease(Coord& coord, const std::string& value) {
    const auto keys = coord.get(KeyRange::prefix("/elect/main/candidate/"), Reading::linearizable);
    REQUIRE(keys);
    int ended = 0;
    for (const Entry& entry : keys->entries) {
        if (entry.value.find('"' + value + '"') != std::string::npos) {
            REQUIRE(coord.revoke(entry.lease));
            ++ended;
        }
    }
    REQUIRE(ended == 1);
}

// What an observation was told, to be waited for.
class HeardTerms {
  public:
    TermHandler handler() {
        return [this](const Term& term) {
            const std::lock_guard lock(mutex_);
            texts_.push_back(text_of(term));
        };
    }
    // Once it is so many.
    std::vector<std::string> wait_for(std::size_t terms) const {
        await([&] { return texts().size() >= terms; });
        return texts();
    }
    std::vector<std::string> texts() const {
        const std::lock_guard lock(mutex_);
        return texts_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> texts_;
};

}  // namespace skald::coord
