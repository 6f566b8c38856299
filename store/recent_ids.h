// Which event ids were seen lately, and where: a best-effort window for repeats that come without a
// producer's sequence (rule L3c). Of whoever prepares.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "skald/ids.h"

namespace skald::store {

// Two generations of an open-addressing table; the older is forgotten when the newer is full or
// old. A slot holds 32 bits of the id's hash and 32 of the offset above the generation's first: a
// find is a hint, to be confirmed in the log. 8 bytes a slot, at most half full; grows by doubling.
// An id that is used very often takes so many slots, and so many confirmations: an entry beyond is
// forgotten.
class RecentIds {
  public:
    // Remembers between capacity / 2 and capacity ids.
    explicit RecentIds(std::size_t capacity);

    void add(const Uuid& id, Offset offset, Time now);
    // Calls `confirm(offset)` for each place the id may stand at, newest generation first, until
    // one call returns true; then that offset.
    template <typename Confirm>
    std::optional<Offset> find(const Uuid& id, Confirm confirm) const {
        for (const Generation* generation : {&newer_, &older_}) {
            const std::size_t mask = generation->slots.size() - 1;
            const std::size_t probes = std::min(kProbesMax, generation->slots.size());
            int confirmed = 0;
            for (std::size_t probe = 0; probe < probes && confirmed < kConfirmedMax; ++probe) {
                const std::uint64_t slot = generation->slots[(tag_of(id) + probe) & mask];
                if (slot == 0) {
                    break;
                }
                if (slot >> 32 != tag_of(id)) {
                    continue;
                }
                const Offset offset = generation->base + ((slot & kLow32) - 1);
                if (confirm(offset)) {
                    return offset;
                }
                ++confirmed;
            }
        }
        return std::nullopt;
    }
    // Any thread.
    std::size_t owned_bytes() const { return owned_bytes_; }

  private:
    static constexpr std::uint64_t kLow32 = 0xffffffff;
    static constexpr std::size_t kProbesMax = 512;
    static constexpr int kConfirmedMax = 16;
    struct Generation {
        std::vector<std::uint64_t> slots;  // 0 is free; its size a power of two
        std::size_t used = 0;
        Offset base;
        Time begun;
        void place(std::uint64_t slot);
    };
    static std::uint32_t tag_of(const Uuid& id);
    void grow();
    void begin_generation(Offset base, Time now);
    void count_bytes();

    std::size_t generation_max_;
    Generation newer_;
    Generation older_;
    std::atomic<std::size_t> owned_bytes_{0};
};

}  // namespace skald::store
