// Where writers race: one store of a kind, and a way to it for each of them. And the promises that
// they see kept or broken.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "skald/event_store.h"
#include "skald/node.h"
#include "tests/temp_directory.h"

namespace skald::race {

inline std::atomic<std::uint64_t> broken_promises{0};

inline void promise(bool kept, const std::string& what) {
    if (!kept && broken_promises++ < 10) {
        std::fprintf(stderr, "broken: %s\n", what.c_str());
    }
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "race: %s\n", result.error().message.c_str());
        std::exit(2);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

class Arena {
  public:
    // memory, local or node. Seeded: what an append rests on is lost on its way.
    Arena(const std::string& kind, bool seeded);
    ~Arena();
    EventStore& way();
    // Null for the other kinds.
    Node* node() { return node_.get(); }
    const TempDirectory& directory() const { return directory_; }

  private:
    const bool seeded_;
    TempDirectory directory_;
    std::unique_ptr<Node> node_;
    std::vector<std::unique_ptr<EventStore>> stores_;
    std::vector<std::unique_ptr<EventStore>> careless_;
};

}  // namespace skald::race
