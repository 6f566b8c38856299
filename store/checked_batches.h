// Which batches of a partition had their tables checked since the log was opened, so that to read a
// record here and there costs its own bytes and not the tables of all its neighbours. A hint of
// fixed size: an older batch is forgotten for a newer one, and checked again. Thread safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "wire/batch.h"

namespace skald::store {

class CheckedBatches {
  public:
    // Of a stored batch, as BatchView::open().
    Result<wire::BatchView> open(Bytes bytes, Partition partition) {
        auto view = wire::BatchView::open_checked(bytes, partition);
        if (!view) {
            return view;
        }
        // A batch that is rewritten in its place has another crc.
        const std::uint64_t mark = (view->base().value + 1) << 32 | view->header().crc;
        std::atomic<std::uint64_t>& slot = marks_[view->base().value * kOdd >> kShift];
        if (slot.load(std::memory_order_relaxed) == mark) {
            return view;
        }
        auto checked = wire::BatchView::open(bytes, partition);
        if (checked) {
            slot.store(mark, std::memory_order_relaxed);
        }
        return checked;
    }

  private:
    static constexpr unsigned kBits = 12;
    static constexpr unsigned kShift = 64 - kBits;
    static constexpr std::uint64_t kOdd = 0x9E37'79B9'7F4A'7C15;  // spreads what rises evenly
    std::array<std::atomic<std::uint64_t>, std::size_t{1} << kBits> marks_{};
};

}  // namespace skald::store
