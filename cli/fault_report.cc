#include "cli/fault_report.h"

#include <unistd.h>

#include <array>
#include <csignal>
#include <string_view>

namespace skald::cli {
namespace {

constexpr std::string_view kLastWord =
    "skald: the data directory is damaged (or this is a bug of skald): look at it with skald "
    "verify, or restore a backup\n";
constexpr int kFailure = 1;
constexpr std::size_t kStackBytes = 64 * 1024;

extern "C" void on_fault(int) {
    [[maybe_unused]] const auto written =
        ::write(STDERR_FILENO, kLastWord.data(), kLastWord.size());
    ::_exit(kFailure);
}

// The main thread's own may be what is broken. Other threads answer on theirs.
void add_stack() {
    stack_t known{};
    if (::sigaltstack(nullptr, &known) != 0 || (known.ss_flags & SS_DISABLE) == 0) {
        return;
    }
    static std::array<char, kStackBytes> bytes;
    stack_t stack{};
    stack.ss_sp = bytes.data();
    stack.ss_size = bytes.size();
    ::sigaltstack(&stack, nullptr);
}

}  // namespace

void report_faults() {
    add_stack();
    for (const int signal : {SIGSEGV, SIGBUS}) {
        struct sigaction known {};
        if (::sigaction(signal, nullptr, &known) != 0 || known.sa_handler != SIG_DFL) {
            continue;
        }
        struct sigaction action {};
        action.sa_handler = on_fault;
        action.sa_flags = SA_ONSTACK | static_cast<int>(SA_RESETHAND);
        ::sigaction(signal, &action, nullptr);
    }
}

}  // namespace skald::cli
