#include "tests/crash/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/clock.h"

namespace skald::crash {
namespace {

namespace fs = std::filesystem;

constexpr int kHungMs = 120'000;

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::exit(70);
}

long now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               SystemClock::instance().monotonic())
        .count();
}

// Between fork and exec, in the child.
[[noreturn]] void become(const Command& command, int progress) {
    // Onto itself, dup2 would leave it to be closed.
    const bool there = progress == command.progress_fd;
    if (there ? fcntl(progress, F_SETFD, 0) < 0 : dup2(progress, command.progress_fd) < 0) {
        _exit(71);
    }
    if (command.quiet) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    }
    for (const auto& [name, value] : command.environment) {
        setenv(name.c_str(), value.c_str(), 1);
    }
    if (!command.preload.empty()) {
        setenv("LD_PRELOAD", command.preload.c_str(), 1);
        const char* options = getenv("ASAN_OPTIONS");
        const std::string asan = options == nullptr ? "" : std::string(options) + ":";
        setenv("ASAN_OPTIONS", (asan + "verify_asan_link_order=0").c_str(), 1);
    }
    std::vector<char*> arguments;
    for (const std::string& argument : command.arguments) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(71);
}

}  // namespace

TempDirectory::TempDirectory() {
    const char* set = std::getenv("TMPDIR");
    const fs::path parent = fs::canonical(set == nullptr || *set == '\0' ? "." : set);
    path_ = parent / "skald-crash-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) {
        give_up(path_.c_str());
    }
}

TempDirectory::~TempDirectory() {
    if (!kept_) {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
}

void TempDirectory::keep() {
    if (!kept_) {
        std::fprintf(stderr, "kept for a look: %s\n", path_.c_str());
    }
    kept_ = true;
}

Child::Child(const Command& command) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        give_up("pipe");
    }
    std::fflush(nullptr);
    pid_ = fork();
    if (pid_ < 0) {
        give_up("fork");
    }
    if (pid_ == 0) {
        become(command, ends[1]);
    }
    close(ends[1]);
    pipe_ = ends[0];
}

Child::~Child() {
    if (pid_ > 0) {
        kill();
        wait();
    }
    close(pipe_);
}

bool Child::await(std::size_t enough, int within_ms) {
    const long end = now_ms() + within_ms;
    while (progress_.size() < enough) {
        pollfd ready{pipe_, POLLIN, 0};
        const long left = end - now_ms();
        if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) == 0) {
            return true;
        }
        char marks[256];
        const ssize_t n = read(pipe_, marks, sizeof marks);
        if (n <= 0) {
            return false;
        }
        progress_.append(marks, static_cast<std::size_t>(n));
    }
    return true;
}

void Child::kill() {
    ::kill(pid_, SIGKILL);
}

void Child::terminate() {
    ::kill(pid_, SIGTERM);
}

Exit Child::wait() {
    Exit exit;
    if (await(SIZE_MAX, kHungMs)) {
        exit.hung = true;
        kill();
    }
    int status = 0;
    if (waitpid(pid_, &status, 0) != pid_) {
        give_up("waitpid");
    }
    pid_ = -1;
    exit.signalled = WIFSIGNALED(status);
    exit.code = exit.signalled ? WTERMSIG(status) : WEXITSTATUS(status);
    return exit;
}

std::string beside_program(const std::string& name) {
    return fs::read_symlink("/proc/self/exe").parent_path() / name;
}

}  // namespace skald::crash
