// Child processes and temporary directories of the drivers here.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace skald::crash {

// A directory of our own under $TMPDIR, or the current directory; removed at the end unless kept.
class TempDirectory {
  public:
    TempDirectory();
    ~TempDirectory();
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;
    const std::string& path() const { return path_; }
    // Says on stderr where it is, and leaves it there.
    void keep();

  private:
    std::string path_;
    bool kept_ = false;
};

struct Command {
    std::vector<std::string> arguments;                            // the program first
    std::vector<std::pair<std::string, std::string>> environment;  // beside ours
    std::string preload;                                           // a shim; empty: none
    bool quiet = false;                                            // stderr goes nowhere
    int progress_fd = 3;                                           // the child's end of our pipe
};

struct Exit {
    bool signalled = false;
    int code = 0;  // exit status or signal
    bool hung = false;
};

// A child with a pipe to us, its file descriptor Command::progress_fd. Killed when destroyed.
class Child {
  public:
    static constexpr int kProgressFd = 3;
    explicit Child(const Command& command);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // Reads progress until `enough` marks came, the child closed its end, or the time is over.
    // False at the end of the child.
    bool await(std::size_t enough, int within_ms);
    const std::string& progress() const { return progress_; }
    pid_t pid() const { return pid_; }
    void kill();
    void terminate();  // asks it to end
    // A child that is still there after two minutes is killed and called hung.
    Exit wait();

  private:
    pid_t pid_ = -1;
    int pipe_ = -1;
    std::string progress_;
};

// The path of a file beside the running program.
std::string beside_program(const std::string& name);

}  // namespace skald::crash
