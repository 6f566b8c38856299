#include "cli/stop_signal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

namespace skald::cli {
namespace {

// What the handler of a signal may touch: one lock-free number.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): signal handlers take no
// argument
std::atomic<int> signalled_fd{-1};

void write_one(int fd) noexcept {
    const std::uint64_t one = 1;
    // Fails only when the counter is full: then a stop was requested already.
    [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
}

extern "C" void on_signal(int) {
    const int saved = errno;
    const int fd = signalled_fd.load();
    if (fd >= 0) {
        write_one(fd);
    }
    errno = saved;
}

}  // namespace

Result<StopSignal> StopSignal::create() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return Error(Errc::io_error, fmt::format("eventfd: {}", std::strerror(errno)));
    }
    return StopSignal(fd);
}

StopSignal::~StopSignal() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void StopSignal::request() const noexcept {
    write_one(fd_);
}

bool StopSignal::requested() const {
    return wait(std::chrono::milliseconds(0));
}

bool StopSignal::wait(std::optional<std::chrono::milliseconds> at_most) const {
    pollfd waiting{fd_, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&waiting, 1, at_most ? static_cast<int>(at_most->count()) : -1);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

bool StopSignal::wait_either(const StopSignal& other) const {
    std::array<pollfd, 2> waiting{pollfd{fd_, POLLIN, 0}, pollfd{other.fd_, POLLIN, 0}};
    int ready = 0;
    do {
        ready = ::poll(waiting.data(), waiting.size(), -1);
    } while (ready < 0 && errno == EINTR);
    return waiting[0].revents != 0;
}

SignalGuard::SignalGuard(const StopSignal& stop) {
    signalled_fd = stop.fd();
    struct sigaction action {};
    action.sa_handler = on_signal;
    // The second of a kind ends the process at once, whatever it is at.
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

SignalGuard::~SignalGuard() {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    signalled_fd = -1;
}

}  // namespace skald::cli
