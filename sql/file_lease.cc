#include "sql/file_lease.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "skald/clock.h"

namespace skald::sql {
namespace {

constexpr std::chrono::milliseconds kPoll{5};

// Two names on one byte would stand by for each other; nothing worse.
off_t byte_of(const std::string& name) {
    return static_cast<off_t>(XXH3_64bits(name.data(), name.size()) >> 2U);
}

// False while another open file has it.
Result<bool> try_lock(int fd, const std::string& path, off_t byte) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
        return true;
    }
    if (errno == EAGAIN || errno == EACCES) {
        return false;
    }
    return Error(Errc::io_error,
                 fmt::format("cannot lock {}: {}", path, std::system_category().message(errno)));
}

}  // namespace

FileLease::~FileLease() {
    for (const auto& [name, held] : held_) {
        close(held.fd);
    }
}

Result<std::uint64_t> FileLease::acquire(const std::string& name, std::chrono::milliseconds wait) {
    const int fd = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return Error(Errc::io_error, fmt::format("cannot open {}: {}", path_,
                                                 std::system_category().message(errno)));
    }
    const Clock& clock = SystemClock::instance();
    const Monotonic begin = clock.monotonic();
    auto locked = try_lock(fd, path_, byte_of(name));
    while (locked && !*locked && clock.monotonic() - begin < wait) {
        std::this_thread::sleep_for(kPoll);
        locked = try_lock(fd, path_, byte_of(name));
    }
    auto term = !locked ? Result<std::uint64_t>(locked.error())
                : *locked
                    ? committed_()
                    : Error(Errc::busy, fmt::format("another copy of projector {} runs", name));
    if (!term) {
        close(fd);
        return term;
    }
    const std::scoped_lock lock(mutex_);
    held_[name] = {fd, *term + 1};
    return *term + 1;
}

void FileLease::release(const std::string& name, std::uint64_t term) {
    const std::scoped_lock lock(mutex_);
    const auto found = held_.find(name);
    if (found != held_.end() && found->second.term == term) {
        close(found->second.fd);
        held_.erase(found);
    }
}

}  // namespace skald::sql
