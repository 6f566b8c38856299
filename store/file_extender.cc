#include "store/file_extender.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr std::uint64_t kChunk = 512 * limits::kKiB;  // between two looks whether to stop
constexpr std::size_t kDirectAlign = 4096;

constexpr WriteAhead kDefaults;
static_assert(limits::kBatchBytesHardMax + 2 * limits::kSliceBytesMax + kDefaults.commit_slack <
                  kDefaults.leap,
              "the usual commit never waits for the extender");

}  // namespace

std::unique_ptr<FileExtender> FileExtender::start(const lmdb::Env& env, const WriteAhead& options) {
    const std::string path = env.directory() + "/data.mdb";
    int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT);
    if (fd < 0) {
        fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    }
    return std::unique_ptr<FileExtender>(fd < 0 ? nullptr : new FileExtender(env, options, fd));
}

FileExtender::FileExtender(const lmdb::Env& env, const WriteAhead& options, int fd)
    : env_(env), options_(options), fd_(fd) {
    struct stat file {};
    const bool known = fstat(fd_, &file) == 0;
    const std::uint64_t end = known ? static_cast<std::uint64_t>(file.st_size) : 0;
    // After a power cut the file may end anywhere; direct writes begin at a page.
    fence_ = std::max((end + kDirectAlign - 1) / kDirectAlign * kDirectAlign, used_end());
    thread_ = std::thread([this] { run(); });
}

FileExtender::~FileExtender() {
    {
        const std::scoped_lock lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
    close(fd_);
}

std::uint64_t FileExtender::used_end() const {
    const lmdb::EnvInfo info = env_.info();
    return (info.last_page + 1) * info.page_bytes;
}

std::uint64_t FileExtender::ahead() const {
    const std::scoped_lock lock(mutex_);
    const std::uint64_t end = used_end();
    return fence_ > end ? fence_ - end : 0;
}

bool FileExtender::wanted() const {
    const std::uint64_t end = used_end();
    return !failed_ && end >= options_.begin_at && fence_ < end + options_.ahead_max &&
           fence_ + options_.step < env_.info().map_bytes;
}

bool FileExtender::room() const {
    struct statvfs disk {};
    return fstatvfs(fd_, &disk) == 0 && disk.f_bavail * disk.f_frsize > options_.free_min;
}

void FileExtender::run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
        if (blocked_ || !wanted() || !room()) {
            changed_.wait(lock);
            continue;
        }
        // Leaping ahead of a busy writer, once, is what lets the extender get in front of it.
        fence_ = std::max(fence_, (used_end() + options_.leap) / options_.step * options_.step);
        const std::uint64_t at = fence_;
        writing_ = true;
        lock.unlock();
        const bool written = write_step(at);
        lock.lock();
        writing_ = false;
        if (written && !blocked_) {
            fence_ = at + options_.step;
        }
        changed_.notify_all();
    }
}

bool FileExtender::write_step(std::uint64_t at) {
    alignas(kDirectAlign) static constexpr std::byte kZeros[kChunk]{};
    for (std::uint64_t done = 0; done < options_.step; done += kChunk) {
        {
            const std::scoped_lock lock(mutex_);
            if (blocked_ || stop_) {
                return false;
            }
        }
        const std::uint64_t size = std::min(kChunk, options_.step - done);
        const ssize_t n = pwrite(fd_, kZeros, size, static_cast<off_t>(at + done));
        if (n != static_cast<ssize_t>(size)) {
            const std::scoped_lock lock(mutex_);
            failed_ = true;
            return false;
        }
    }
    if (fdatasync(fd_) != 0) {
        sync_failed_.store(true, std::memory_order_release);
        const std::scoped_lock lock(mutex_);
        failed_ = true;
        return false;
    }
    return true;
}

FileExtender::Guard::Guard(FileExtender& extender, std::size_t bytes) : extender_(extender) {
    std::unique_lock lock(extender_.mutex_);
    if (extender_.used_end() + bytes + extender_.options_.commit_slack < extender_.fence_) {
        return;
    }
    blocks_ = true;
    extender_.blocked_ = true;
    extender_.changed_.wait(lock, [this] { return !extender_.writing_; });
}

FileExtender::Guard::~Guard() {
    {
        const std::scoped_lock lock(extender_.mutex_);
        if (blocks_) {
            extender_.blocked_ = false;
            extender_.fence_ = std::max(extender_.fence_, extender_.used_end());
        }
    }
    extender_.changed_.notify_all();
}

}  // namespace skald::store
