#include "store/lmdb/scrubber.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/limits.h"
#include "store/lmdb/errors.h"
#include "store/lmdb/free_list.h"
#include "store/lmdb/gap_walk.h"
#include "store/lmdb/page_format.h"

namespace skald::store::lmdb {
namespace {

constexpr std::size_t kRunPagesMax = 32;  // between two looks whether it is enough
constexpr std::uint64_t kMetaPages = 2;
constexpr int kMetaTries = 64;
constexpr std::size_t kBuffersSpare = 64;  // for the upper levels of trees
constexpr std::size_t kBuffersMax = 16384;

bool same_layout(const Meta& meta) {
    return meta.magic == kMetaMagic && meta.version == kDataVersion;
}

}  // namespace

Result<std::unique_ptr<Scrubber>> Scrubber::open(Env& env) {
    const std::string path = env.directory() + "/data.mdb";
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return error_of(errno, path);
    }
    std::unique_ptr<Scrubber> scrubber(new Scrubber(env, fd));
    for (std::uint64_t page = 0; page < kMetaPages; ++page) {
        auto meta = read_meta(fd, scrubber->page_bytes_, page);
        if (!meta) {
            return meta.error();
        }
        if (!same_layout(*meta)) {
            return Error(Errc::unknown_format, path + " is of a version of LMDB that is unknown");
        }
    }
    return scrubber;
}

Scrubber::Scrubber(Env& env, int fd) : env_(env), fd_(fd), page_bytes_(env.info().page_bytes) {}

Scrubber::~Scrubber() {
    close(fd_);
}

Result<bool> Scrubber::zero_free_pages(const Enough& enough) {
    auto lock = env_.write();
    if (!lock) {
        return lock.error();
    }
    auto txn = env_.read();
    if (!txn) {
        return txn.error();
    }
    auto cursor = Cursor::open(*txn, kFreeList);
    if (!cursor) {
        return cursor.error();
    }
    const EnvInfo info = env_.info();
    zeroed_.resize(std::max<std::size_t>(zeroed_.size(), info.last_page + 1));
    const std::uint64_t bound = std::min(info.oldest_reader_txn, txn->id());
    auto entry = cursor->at_or_after(next_entry_);
    for (; entry && *entry && (*entry)->number() < bound; entry = cursor->next()) {
        next_entry_ = (*entry)->number();
        auto whole = zero_pages((*entry)->value, info.last_page, enough);
        if (!whole || !*whole) {
            return whole ? Result<bool>(true) : whole.error();
        }
    }
    counts_.pages_kept = 0;
    // The last commit's own are always there: what the meta page before it leads to.
    for (; entry && *entry && (*entry)->number() < txn->id(); entry = cursor->next()) {
        counts_.pages_kept += load_le<std::uint64_t>((*entry)->value.data());
    }
    if (!entry) {
        return entry.error();
    }
    // A commit between two slices may have moved pages to entries that this pass had left behind.
    next_entry_ = 0;
    return std::exchange(found_work_, false);
}

// False when it was enough before all were done. `pages`: how many, and their numbers, falling.
Result<bool> Scrubber::zero_pages(Bytes pages, std::uint64_t last_page, const Enough& enough) {
    constexpr std::size_t kNumber = sizeof(std::uint64_t);
    const auto count = load_le<std::uint64_t>(pages.data());
    if (pages.size() / kNumber <= count) {
        return Error(Errc::corrupt, "LMDB's free list is damaged");
    }
    const auto page = [&](std::uint64_t i) {
        return load_le<std::uint64_t>(pages.data() + (count - i) * kNumber);
    };
    for (std::uint64_t i = 0; i < count;) {
        const std::uint64_t first = page(i);
        if (first < kMetaPages || first > last_page) {
            return Error(Errc::corrupt, fmt::format("LMDB's free list names page {}", first));
        }
        std::uint64_t run = 0;
        while (i < count && run < kRunPagesMax && page(i) == first + run &&
               first + run <= last_page && !zeroed_[first + run]) {
            zeroed_[first + run] = true;
            ++run;
            ++i;
        }
        if (run == 0) {
            ++i;
            continue;
        }
        found_work_ = true;
        auto zeroed = zero_run(first, run);
        if (!zeroed) {
            return zeroed.error();
        }
        counts_.pages_zeroed += *zeroed;
        if (enough()) {
            return false;
        }
    }
    return true;
}

// How many of them were not zero before.
Result<std::uint64_t> Scrubber::zero_run(std::uint64_t page, std::uint64_t pages) {
    std::uint64_t zeroed = 0;
    for (std::uint64_t i = page; i < page + pages; ++i) {
        auto written = zero_range(fd_, i * page_bytes_, page_bytes_);
        if (!written) {
            return written.error();
        }
        zeroed += *written ? 1 : 0;
    }
    return zeroed;
}

Result<bool> Scrubber::zero_gaps(const Enough& enough) {
    for (int i = 0; i < kMetaTries; ++i) {
        auto txn = env_.read();
        if (!txn) {
            return txn.error();
        }
        // The snapshot's meta page is overwritten two commits later: with bad luck before it is
        // read.
        auto meta = read_meta(fd_, page_bytes_, txn->id() % kMetaPages);
        if (!meta) {
            return meta.error();
        }
        if (meta->txn == txn->id()) {
            GapWalk walk(fd_, page_bytes_, enough);
            auto rest = walk.run(*meta, {resume_.tree, resume_.key});
            counts_.gaps_zeroed += walk.zeroed();
            if (!rest) {
                return rest.error();
            }
            resume_ = *rest ? Resume{(*rest)->tree, (*rest)->key} : Resume{};
            return rest->has_value();
        }
    }
    return Error(Errc::busy, "commits came faster than the data file could be read");
}

Result<bool> Scrubber::wipe_buffers(Database scratch) {
    auto txn = env_.write();
    if (!txn) {
        return txn.error();
    }
    const std::size_t pages = std::min(env_.pages_per_commit_max() + kBuffersSpare, kBuffersMax);
    bool held = false;
    for (std::size_t i = 0; i < pages; ++i) {
        // A value that fills a page of its own.
        auto room =
            txn->reserve(scratch, ~std::uint64_t{0} - pages + i, page_bytes_ - sizeof(PageHeader));
        if (!room) {
            return room.error();
        }
        held = held || std::any_of(room->begin(), room->end(),
                                   [](std::byte byte) { return byte != std::byte{0}; });
        std::memset(room->data(), 0, room->size());
    }
    return held;
}

Result<void> Scrubber::sync() {
    if (fdatasync(fd_) != 0) {
        return error_of(errno, "cannot sync the data file");
    }
    return {};
}

}  // namespace skald::store::lmdb
