// Turns sorted entries into the blocks of a run. Holds one block, and 8 bytes for each before it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/index/manifest.h"
#include "store/index/run_format.h"

namespace skald::store::index {

struct Block {
    std::uint64_t key = 0;
    std::string bytes;
};

class RunWriter {
  public:
    // `run` says id, low, high and level. Blocks are padded to `block_bytes_min`.
    RunWriter(const RunInfo& run, std::size_t block_bytes_min);

    // In order. Adds the blocks that became full to `out`.
    void add(std::uint64_t hash, const Entry& entry, std::vector<Block>& out);
    // The last blocks. Gives the run as the manifest lists it. Nothing may be added any more.
    RunInfo finish(std::vector<Block>& out);

  private:
    void flush(std::vector<Block>& out);
    void flush_fences(std::vector<Block>& out);
    void put(BlockHead head, std::string block, std::vector<Block>& out);

    RunInfo run_;
    std::size_t block_bytes_min_;
    std::uint64_t next_block_ = 0;
    std::string entries_;
    std::vector<std::uint64_t> hashes_;
    std::vector<std::uint32_t> places_;  // in entries_
    std::vector<std::uint64_t> fences_;
};

}  // namespace skald::store::index
