#include "broker/receipts.h"

#include <algorithm>
#include <limits>

#include "broker/limits.h"

namespace skald::broker {
namespace {

using wire::msg::ReceiptRange;

constexpr std::uint64_t kStepMax = std::numeric_limits<std::uint32_t>::max();

std::uint64_t last_version(const ReceiptRange& r) {
    return r.versions.empty() ? r.version.value + std::uint64_t{r.count - 1} * r.version_step
                              : r.versions.back();
}

// Makes the next version fit: as the next step, as the first step, or in a list.
void extend_versions(ReceiptRange& r, std::uint64_t version) {
    if (!r.versions.empty()) {
        r.versions.push_back(version);
        return;
    }
    const std::uint64_t last = last_version(r);
    const bool steps = version >= last && version - last <= kStepMax;
    if (steps && r.count == 1) {
        r.version_step = static_cast<std::uint32_t>(version - last);
        return;
    }
    if (steps && version - last == r.version_step) {
        return;
    }
    r.versions.reserve(64);
    for (std::uint32_t i = 0; i < r.count; ++i) {
        r.versions.push_back(r.version.value + std::uint64_t{i} * r.version_step);
    }
    r.versions.push_back(version);
}

}  // namespace

bool ReceiptGatherer::extend(ReceiptRange& r, std::uint64_t id, const store::AppendOutcome& o,
                             bool primary) {
    const bool alike = id == r.first_id + r.count && o.partition == r.partition &&
                       o.records == r.records && o.epoch == r.epoch && o.digest == r.digest &&
                       o.repeated == r.repeated && primary == r.primary &&
                       r.count < kReceiptRangeCountMax;
    if (!alike || o.offset < r.offset) {
        return false;
    }
    const std::uint64_t distance = o.offset - r.offset;
    if (r.count == 1 && distance <= kStepMax) {
        r.offset_step = static_cast<std::uint32_t>(distance);
    } else if (distance != std::uint64_t{r.count} * r.offset_step) {
        return false;
    }
    extend_versions(r, o.version.value);
    ++r.count;
    return true;
}

void ReceiptGatherer::add(std::uint64_t id, const store::AppendOutcome& o, bool primary) {
    const std::size_t partition = o.partition.value;
    if (last_.size() <= partition) {
        last_.resize(partition + 1);
    }
    if (last_[partition] != 0 && extend(ranges_[last_[partition] - 1], id, o, primary)) {
        return;
    }
    last_[partition] = ranges_.size() + 1;
    ReceiptRange& r = ranges_.emplace_back();
    r.first_id = id;
    r.count = 1;
    r.records = o.records;
    r.partition = o.partition;
    r.offset = o.offset;
    r.version = o.version;
    r.epoch = o.epoch;
    r.digest = o.digest;
    r.repeated = o.repeated;
    r.primary = primary;
}

std::vector<wire::msg::Receipts> ReceiptGatherer::take() {
    std::vector<wire::msg::Receipts> messages;
    for (ReceiptRange& range : ranges_) {
        if (messages.empty() || messages.back().ranges.size() == kReceiptRangesMax) {
            messages.emplace_back();
        }
        messages.back().ranges.push_back(std::move(range));
    }
    ranges_.clear();
    std::fill(last_.begin(), last_.end(), 0);
    return messages;
}

}  // namespace skald::broker
