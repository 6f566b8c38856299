// Where requests lie from the socket until their outcome: blocks that are filled front to back and
// reused when the last request in them is done. One allocation serves thousands of requests.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"

namespace skald::broker {

// Not thread safe. Other threads may read what lies in it.
class RequestArena {
  public:
    struct Block;
    // A place that stays until release(); begins on a multiple of 8.
    struct Place {
        Bytes bytes;
        Block* block = nullptr;
    };

    RequestArena();
    ~RequestArena();
    RequestArena(const RequestArena&) = delete;
    RequestArena& operator=(const RequestArena&) = delete;

    Place copy(Bytes bytes);
    // One more release() is due.
    void retain(Block* block);
    void release(Block* block);
    std::size_t owned_bytes() const { return owned_bytes_; }

  private:
    Block* block_for(std::size_t bytes);

    std::vector<std::unique_ptr<Block>> blocks_;
    std::vector<Block*> spare_;
    Block* current_ = nullptr;
    std::size_t owned_bytes_ = 0;
};

}  // namespace skald::broker
