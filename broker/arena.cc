#include "broker/arena.h"

#include <algorithm>
#include <cstring>

namespace skald::broker {
namespace {

constexpr std::size_t kBlockBytes = 256 * limits::kKiB;
constexpr std::size_t kSpareMax = 16;

}  // namespace

struct RequestArena::Block {
    std::unique_ptr<std::byte[]> memory;
    std::size_t capacity = 0;
    std::size_t used = 0;
    std::size_t live = 0;
};

RequestArena::RequestArena() = default;
RequestArena::~RequestArena() = default;

RequestArena::Block* RequestArena::block_for(std::size_t bytes) {
    if (bytes <= kBlockBytes && !spare_.empty()) {
        Block* block = spare_.back();
        spare_.pop_back();
        return block;
    }
    auto block = std::make_unique<Block>();
    block->capacity = std::max(bytes, kBlockBytes);
    block->memory = std::make_unique_for_overwrite<std::byte[]>(block->capacity);
    owned_bytes_ += block->capacity;
    blocks_.push_back(std::move(block));
    return blocks_.back().get();
}

RequestArena::Place RequestArena::copy(Bytes bytes) {
    const std::size_t needed = align8(bytes.size());
    if (current_ == nullptr || current_->capacity - current_->used < needed) {
        Block* full = current_;
        current_ = block_for(needed);
        // The arena's own hold on the block it fills.
        ++current_->live;
        if (full != nullptr) {
            release(full);
        }
    }
    std::byte* place = current_->memory.get() + current_->used;
    if (!bytes.empty()) {
        std::memcpy(place, bytes.data(), bytes.size());
    }
    current_->used += needed;
    ++current_->live;
    return {{place, bytes.size()}, current_};
}

void RequestArena::retain(Block* block) {
    ++block->live;
}

void RequestArena::release(Block* block) {
    if (--block->live != 0) {
        return;
    }
    block->used = 0;
    if (block->capacity == kBlockBytes && spare_.size() < kSpareMax) {
        spare_.push_back(block);
        return;
    }
    owned_bytes_ -= block->capacity;
    std::erase_if(blocks_, [block](const auto& owned) { return owned.get() == block; });
}

}  // namespace skald::broker
