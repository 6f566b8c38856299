#include "cli/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace skald::cli {
namespace {

Error failed(const char* what) {
    return {Errc::io_error, fmt::format("{}: {}", what, std::strerror(errno))};
}

// In the new process: what stops it is told to the one that waits at `report`.
[[noreturn]] void become(char* const* words, char* const* environment, pid_t parent, int report) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) {
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGTERM, SIG_DFL);
        ::execvpe(words[0], words, environment);
    }
    const int why = errno;
    [[maybe_unused]] const auto written = ::write(report, &why, sizeof why);
    ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) {
        all.push_back(text.data());
    }
    all.push_back(nullptr);
    return all;
}

std::vector<std::string> environment_with(const ChildProcess::Variables& added) {
    std::vector<std::string> all;
    for (char** at = environ; *at != nullptr; ++at) {
        all.emplace_back(*at);
    }
    for (const auto& [name, value] : added) {
        std::erase_if(all, [&](const std::string& entry) { return entry.starts_with(name + "="); });
        all.push_back(fmt::format("{}={}", name, value));
    }
    return all;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& words,
                                         const Variables& added) {
    std::array<int, 2> report{};
    if (::pipe2(report.data(), O_CLOEXEC) != 0) {
        return failed("pipe");
    }
    // All that takes memory comes before the fork: other threads may hold its locks.
    std::vector<std::string> arguments = words;
    std::vector<std::string> environment = environment_with(added);
    const std::vector<char*> argument_pointers = pointers(arguments);
    const std::vector<char*> environment_pointers = pointers(environment);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        become(argument_pointers.data(), environment_pointers.data(), parent, report[1]);
    }
    ::close(report[1]);
    int why = 0;
    const auto told = pid < 0 ? 0 : ::read(report[0], &why, sizeof why);
    ::close(report[0]);
    if (pid < 0) {
        return failed("fork");
    }
    if (told == sizeof why) {
        ::waitpid(pid, nullptr, 0);
        return Error(why == ENOENT ? Errc::not_found : Errc::io_error,
                     fmt::format("{}: {}", words.front(), std::strerror(why)));
    }
    ChildProcess child(pid, static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (child.fd_ < 0) {
        return failed("pidfd_open");
    }
    return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept : pid_(other.pid_), fd_(other.fd_) {
    other.pid_ = 0;
    other.fd_ = -1;
}

ChildProcess::~ChildProcess() {
    if (pid_ != 0) {
        signal(SIGKILL);
        (void)status();
    }
}

ChildProcess::Woke ChildProcess::wait(std::chrono::milliseconds at_most,
                                      const StopSignal* stop) const {
    std::array<pollfd, 2> waiting{pollfd{fd_, POLLIN, 0},
                                  pollfd{stop == nullptr ? -1 : stop->fd(), POLLIN, 0}};
    int ready = 0;
    do {
        ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(at_most.count()));
    } while (ready < 0 && errno == EINTR);
    if (waiting[0].revents != 0) {
        return Woke::ended;
    }
    return waiting[1].revents != 0 ? Woke::stopped : Woke::late;
}

void ChildProcess::signal(int number) const {
    ::kill(pid_, number);
}

int ChildProcess::status() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    ::close(fd_);
    pid_ = 0;
    fd_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace skald::cli
