#include "tests/hostile/node_process.h"

#include <poll.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/hostile/raw_peer.h"

namespace skald::hostile {
namespace {

constexpr int kReadyMs = 60'000;
constexpr int kAnswerMs = 10'000;

// The value of `name=` in a line of words.
std::string value_of(const std::string& line, const std::string& name) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
        if (word.starts_with(name + "=")) {
            return word.substr(name.size() + 1);
        }
    }
    return {};
}

}  // namespace

NodeProcess::NodeProcess(const std::string& program, const std::vector<std::string>& arguments) {
    crash::Command command;
    command.arguments = {program, "serve", "--log-level", "error"};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.progress_fd = 1;
    child_ = std::make_unique<crash::Child>(command);
    while (child_->progress().find('\n') == std::string::npos) {
        const std::size_t had = child_->progress().size();
        if (!child_->await(had + 1, kReadyMs) || child_->progress().size() == had) {
            return;
        }
    }
    const std::string& line = child_->progress();
    std::istringstream list(value_of(line, "listen"));
    for (std::string endpoint; std::getline(list, endpoint, ',');) {
        endpoints_.push_back(endpoint);
    }
    http_ = value_of(line, "http");
}

std::size_t NodeProcess::owned_bytes() const {
    std::ifstream file("/proc/" + std::to_string(child_->pid()) + "/smaps_rollup");
    std::size_t all = 0;
    std::size_t files = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("Pss:")) {
            all = std::strtoull(line.c_str() + 4, nullptr, 10);
        } else if (line.starts_with("Pss_File:")) {
            files = std::strtoull(line.c_str() + 9, nullptr, 10);
        }
    }
    return (all - files) * 1024;
}

int NodeProcess::get(const std::string& path, std::string* body) const {
    const auto peer = RawPeer::connect("tcp://" + http_);
    if (peer == nullptr) {
        return 0;
    }
    (void)peer->write("GET " + path + " HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n");
    std::string answer;
    do {
        pollfd ready{peer->fd(), POLLIN, 0};
        if (poll(&ready, 1, kAnswerMs) <= 0) {
            return 0;
        }
    } while (peer->read(&answer));
    const std::size_t head = answer.find("\r\n\r\n");
    if (!answer.starts_with("HTTP/1.1 ") || head == std::string::npos) {
        return 0;
    }
    if (body != nullptr) {
        *body = answer.substr(head + 4);
    }
    return std::atoi(answer.c_str() + 9);
}

std::map<std::string, double> NodeProcess::metrics() const {
    std::string text;
    std::map<std::string, double> found;
    if (get("/metrics", &text) != 200) {
        return found;
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t space = line.rfind(' ');
        if (!line.starts_with('#') && space != std::string::npos) {
            found[line.substr(0, space)] = std::strtod(line.c_str() + space + 1, nullptr);
        }
    }
    return found;
}

crash::Exit NodeProcess::stop() {
    child_->terminate();
    return child_->wait();
}

}  // namespace skald::hostile
