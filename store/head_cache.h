// Where streams end that were lately written or asked for: what an append asks of each of its
// streams, answered by one cache line in place of a search through every part of the index.
//
// A stream is known by 98 bits or more of a hash with a seed of this process, not by its name: two
// names that are one here can only be chance, once in 2^86 look-ups. The version counts 40 bits:
// what is longer is not kept.
//
// Memory: grows with the streams in use, up to limits::kHeadCacheBytesMax; it loses what it holds
// when it grows. When a set is full, the stream of it that was put least recently makes room. Of
// whoever prepares, except owned_bytes().
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "skald/ids.h"

namespace skald::store {

class HeadCache {
  public:
    explicit HeadCache(std::uint64_t seed);

    struct Key {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
    };
    Key key(std::string_view stream) const;
    // Loads what find() looks at into the processor's caches.
    void prefetch(const Key& key) const { __builtin_prefetch(&set_of(key)); }
    // The stream's next version.
    std::optional<Version> find(const Key& key) const;
    // `next` is not 0.
    void put(const Key& key, Version next);
    void forget(const Key& key);

    // Any thread.
    std::size_t owned_bytes() const { return owned_bytes_.load(std::memory_order_relaxed); }

  private:
    struct Slot {
        std::uint64_t tag = 0;
        std::uint64_t rest = 0;  // 24 more bits of the hash, then the version; 0: free
    };
    // The newest first.
    struct alignas(64) Set {
        std::array<Slot, 4> slots;
    };
    const Set& set_of(const Key& key) const { return sets_[key.high >> shift_]; }
    // The slot of the key in its set, or the set's size.
    std::size_t place_of(const Key& key) const;
    void resize(std::size_t sets);

    std::uint64_t seed_;
    std::vector<Set> sets_;
    unsigned shift_ = 0;
    std::size_t pushed_out_ = 0;  // streams, since it grew last
    std::atomic<std::size_t> owned_bytes_{0};
};

}  // namespace skald::store
