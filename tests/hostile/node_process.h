// A real `skald serve` in a process of its own, and what can be seen of it from outside.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/crash/process.h"

namespace skald::hostile {

class NodeProcess {
  public:
    // `arguments` follow `serve`. Waits for the ready line; ready() says whether it came.
    NodeProcess(const std::string& program, const std::vector<std::string>& arguments);

    bool ready() const { return !http_.empty(); }
    // In the order of the --listen arguments, with the real ports.
    const std::vector<std::string>& endpoints() const { return endpoints_; }

    // Memory of its own: proportional set size without that of mapped files. 0 when it is gone.
    std::size_t owned_bytes() const;
    // Status of GET `path`, 0 when nobody answers within 10 s.
    int get(const std::string& path, std::string* body = nullptr) const;
    // /metrics: name with labels -> value. Empty when nobody answers.
    std::map<std::string, double> metrics() const;

    void kill() { child_->kill(); }
    // SIGTERM, and what it ended with.
    crash::Exit stop();

  private:
    std::unique_ptr<crash::Child> child_;
    std::vector<std::string> endpoints_;
    std::string http_;
};

}  // namespace skald::hostile
