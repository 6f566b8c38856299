#include "cli/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace skald::cli {
namespace {

Error failed(const std::string& name, int problem) {
    return {problem == ENOENT ? Errc::not_found : Errc::io_error,
            fmt::format("{}: {}", name, std::strerror(problem))};
}

}  // namespace

Result<std::size_t> MemorySource::read(char* to, std::size_t size) {
    const std::size_t taken = std::min(size, text_.size() - at_);
    std::memcpy(to, text_.data() + at_, taken);
    at_ += taken;
    return taken;
}

FileSource::FileSource(std::string name, int fd, bool owned, const StopSignal& stop)
    : name_(std::move(name)), fd_(fd), owned_(owned), stop_(stop) {
    struct stat status {};
    if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        total_ = static_cast<std::uint64_t>(status.st_size);
    }
}

FileSource::~FileSource() {
    if (owned_) {
        ::close(fd_);
    }
}

Result<std::unique_ptr<FileSource>> FileSource::open(const std::string& path,
                                                     const StopSignal& stop) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed(path, errno);
    }
    return std::unique_ptr<FileSource>(new FileSource(path, fd, true, stop));
}

std::unique_ptr<FileSource> FileSource::standard_input(const StopSignal& stop) {
    return std::unique_ptr<FileSource>(new FileSource("standard input", STDIN_FILENO, false, stop));
}

// False when the stop came first.
bool FileSource::wait_for_input() const {
    pollfd waiting[] = {{stop_.fd(), POLLIN, 0}, {fd_, POLLIN, 0}};
    while (::poll(waiting, 2, -1) < 0 && errno == EINTR) {
    }
    return waiting[0].revents == 0;
}

Result<std::size_t> FileSource::read(char* to, std::size_t size) {
    while (true) {
        if (!wait_for_input()) {
            return Error(Errc::shutting_down, fmt::format("interrupted while reading {}", name_));
        }
        const ssize_t got = ::read(fd_, to, size);
        if (got >= 0) {
            read_ += static_cast<std::uint64_t>(got);
            return static_cast<std::size_t>(got);
        }
        if (errno != EINTR && errno != EAGAIN) {
            return failed(name_, errno);
        }
    }
}

Result<std::string> read_all(ByteSource& source, std::size_t bytes_max) {
    std::string text;
    while (true) {
        const std::size_t at = text.size();
        text.resize(at + 64 * 1024);
        auto got = source.read(text.data() + at, text.size() - at);
        if (!got) {
            return got.error();
        }
        text.resize(at + *got);
        if (text.size() > bytes_max) {
            return Error(Errc::request_too_large,
                         fmt::format("more than {} bytes of input", bytes_max));
        }
        if (*got == 0) {
            return text;
        }
    }
}

}  // namespace skald::cli
