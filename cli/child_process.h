// Another program, run beside this one. It does not outlive this one: it is killed when the thread
// that started it ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/stop_signal.h"
#include "skald/result.h"

namespace skald::cli {

class ChildProcess {
  public:
    using Variables = std::vector<std::pair<std::string, std::string>>;
    // words: the program, found as a shell does, and its arguments. `added` to our environment. It
    // has our streams. not_found: there is no such program; io_error.
    static Result<ChildProcess> start(const std::vector<std::string>& words,
                                      const Variables& added);
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&&) = delete;
    ~ChildProcess();  // killed, unless it was waited for

    enum class Woke : std::uint8_t { ended, stopped, late };
    // Until it ends, a stop is requested (without one: never), or the time is over.
    Woke wait(std::chrono::milliseconds at_most, const StopSignal* stop) const;
    void signal(int number) const;
    // Waits for the end: its exit status, or 128 and the number of the signal that ended it.
    int status();

  private:
    ChildProcess(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
    pid_t pid_;
    int fd_;  // readable once it ended
};

}  // namespace skald::cli
